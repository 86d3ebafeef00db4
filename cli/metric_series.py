"""From the answer of `GET …/metrics` to series of numbers: each member of a job's samples is one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

#: Members that say when a sample was taken, or of what, and are no series.
_STEP, _TIME = "step", "time"
_NOT_SERIES = (_STEP, _TIME, "attempt", "index")
_MOST_NAME = 60
_UNITS = (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10))


@dataclass
class Series:
    """One member of what one writer has written. `x`: the step, else seconds, else the sample's number."""

    key: str
    of: str  #: which process or node; "" where the job has one writer only
    x: list[float] = field(default_factory=list)
    y: list[float] = field(default_factory=list)

    @property
    def label(self) -> str:
        return f"{self.key} {self.of}".strip()

    def figures(self) -> dict[str, Any]:
        """The latest value, the least and the largest, and how many there are."""
        return {"last": self.y[-1], "min": min(self.y), "max": max(self.y), "samples": len(self.y)}


def series_of(answer: Mapping[str, Any]) -> list[Series]:
    """What a job says of itself, then what it uses; of its latest attempt that has written."""
    own = _latest(answer.get("metrics") or ())
    uses = _latest(answer.get("resources") or ())
    return [*_series(own, "process"), *_series(uses, "node")]


def _latest(entries: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    written = [entry for entry in entries if entry.get("samples")]
    last = max((entry.get("attempt") or 0 for entry in written), default=0)
    return [entry for entry in written if (entry.get("attempt") or 0) == last]


def _series(entries: Sequence[Mapping[str, Any]], whose: str) -> list[Series]:
    found: dict[tuple[str, str], Series] = {}
    for entry in entries:
        of = plain(str(entry.get(whose) or entry.get("node") or "")) if len(entries) > 1 else ""
        begun = next((at for sample in entry["samples"] if (at := _seconds(sample)) is not None), 0.0)
        for number, sample in enumerate(entry["samples"]):
            x = _x(sample, number, begun)
            for key, value in _numbers(sample):
                one = found.setdefault((key, of), Series(key, of))
                one.x.append(x)
                one.y.append(value)
    return list(found.values())


def _x(sample: Mapping[str, Any], number: int, begun: float) -> float:
    step: Any = sample.get(_STEP)
    if _is_number(step):
        return float(step)
    at = _seconds(sample)
    return float(number) if at is None else at - begun


def _seconds(sample: Mapping[str, Any]) -> float | None:
    try:
        return datetime.fromisoformat(str(sample.get(_TIME))).timestamp()
    except (ValueError, OverflowError):
        return None


def _numbers(sample: Mapping[str, Any]) -> Iterable[tuple[str, float]]:
    """The numbers of a sample; those of GPUs as gpu0.utilizationPercent."""
    for member, value in sample.items():
        key = plain(member)
        if _is_number(value) and key not in _NOT_SERIES:
            yield key, value
        elif key == "gpus" and isinstance(value, list):
            for place, gpu in enumerate(gpu for gpu in value if isinstance(gpu, dict)):
                name = f"gpu{gpu.get('index', place)}"
                yield from ((f"{name}.{inner}", number) for inner, number in _numbers(gpu))


def plain(text: str) -> str:
    """Names are a job's: what moves the cursor or changes colours is no part of a table."""
    return "".join(c if c.isprintable() else "?" for c in text)[:_MOST_NAME]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def shown(key: str, value: float | None) -> str:
    """A number for people; bytes in units."""
    if value is None:
        return ""
    if key.endswith("Bytes"):
        unit, size = next(((unit, size) for unit, size in _UNITS if abs(value) >= size), ("B", 1))
        return f"{value / size:.4g} {unit}"
    return f"{value:.6g}"
