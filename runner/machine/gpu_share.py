"""The GPUs of one runner among those of its machine, and what that means for CUDA_VISIBLE_DEVICES."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

#: What `--gpus` and BATCHAI_GPUS may hold, beside "none" and "all".
_WORD = re.compile(r"[0-9]{1,3}|GPU-[0-9A-Za-z-]+")
_VISIBLE = "CUDA_VISIBLE_DEVICES"
_NO_DEVICE = "-1"


@dataclass(frozen=True)
class Gpu:
    """One GPU as the driver knows it."""

    index: int  #: by PCI bus
    uuid: str  #: GPU-xxxxxxxx-xxxx-...


@dataclass(frozen=True)
class GpuShare:
    """The GPUs that jobs of one runner may use."""

    devices: tuple[Gpu, ...] = ()
    of_machine: int = 0  #: how many its machine has

    @property
    def count(self) -> int:
        return len(self.devices)

    @property
    def is_part(self) -> bool:
        """Whether the machine has others, which jobs must not see."""
        return self.count < self.of_machine

    @property
    def device_ids(self) -> tuple[str, ...]:
        """UUIDs for a container, which numbers them anew from 0 in this order."""
        return tuple(device.uuid for device in self.devices)

    def visible(self, environment: Mapping[str, str]) -> dict[str, str]:
        """The variables by which a process on the node itself sees its GPUs.

        CUDA_VISIBLE_DEVICES in `environment` counts within the runner's own, as it does in launch plans and
        documents; here it comes out in the numbers of the machine. Nothing where the machine is all ours.
        """
        if not self.is_part:
            return {}
        wanted = environment.get(_VISIBLE)
        seen = self.devices if wanted is None else self._named(wanted)
        numbers = ",".join(str(device.index) for device in seen) or _NO_DEVICE
        # CUDA's own order is by speed; the driver's, in which we count, is by PCI bus.
        return {_VISIBLE: numbers, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}

    def _named(self, text: str) -> Sequence[Gpu]:
        """As CUDA reads it: at the first word that names no device of ours it stops."""
        named: list[Gpu] = []
        for word in text.split(","):
            device = self._device(word.strip())
            if device is None:
                break
            named.append(device)
        return named

    def _device(self, word: str) -> Gpu | None:
        if word.isdigit():
            return self.devices[int(word)] if int(word) < self.count else None
        matching = [device for device in self.devices if word and device.uuid.startswith(word)]
        return matching[0] if len(matching) == 1 else None


NO_GPUS = GpuShare()


def choice_from(text: str) -> tuple[str, ...] | None:
    """What `--gpus` says: None for all of the machine's ("" and "all"), nothing for "none", else words that
    are indexes or UUIDs. Raises ValueError, with what would be right."""
    if text in ("", "all"):
        return None
    if text == "none":
        return ()
    words = tuple(word.strip() for word in text.split(","))
    if wrong := next((word for word in words if not _WORD.fullmatch(word)), None):
        raise ValueError(f"'{wrong}' is neither the index nor the UUID of a GPU; expected 0,1 or all or none")
    if len(set(words)) < len(words) or "" in words:
        raise ValueError(f"'{text}' does not name different GPUs; expected 0,1 or all or none")
    return words


def chosen(choice: Sequence[str] | None, machine: Sequence[Gpu]) -> GpuShare:
    """The share that `choice` (see choice_from) names on a machine. Raises ValueError for what it lacks."""
    if choice is None:
        return GpuShare(tuple(machine), len(machine))
    by_name = {str(device.index): device for device in machine} | {device.uuid: device for device in machine}
    if missing := [word for word in choice if word not in by_name]:
        there = ", ".join(f"{device.index} ({device.uuid})" for device in machine) or "none"
        raise ValueError(f"this machine has no GPU {', '.join(missing)}; it has {there}")
    devices = tuple(dict.fromkeys(by_name[word] for word in choice))
    return GpuShare(devices, len(machine))
