"""An explanation for people: sections of plain lines that read well at 100 columns. PURE.

Lines are pieces of text with a style each, in the words of `rich`, which the command prints them with.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shared.explain.sweeps import sweep_lines

Explained = Mapping[str, Any]
#: Pieces of a line: text and its style, "" for none.
Line = tuple[tuple[str, str], ...]

_STYLES = {"error": "bold red", "warning": "yellow", "note": "cyan"}
_ON = {
    "job volume": "",
    "cluster volume": "(the cluster must mount it)",
    "node": "(on the node's own disk)",
    "": "(empty)",
}
_ROLES = {"ps": "parameter server", "mpi": "mpirun, which starts all ranks"}
#: Four or more `-x NAME` in a row.
_FORWARDED = re.compile(r"(?: -x \S+){4,}")
#: Where a long line may break: after a space, a slash or a comma.
_PIECES = re.compile(r"[^ /,]*[ /,]?")


def lines(explained: Explained, width: int) -> list[Line]:
    """What `explained` says of one document: `file`, `accepted`, `problems`, and of its `job`."""
    page = Page(width)
    _problems(explained, page)
    if explained.get("sweep"):
        page.heading("Runs")
        for line in sweep_lines(explained["sweep"]):
            page.line(line)
        page.heading("The first run")
    if explained["job"] is not None:
        _job(explained["job"], page)
    return page.lines


def job_text(job: Explained, width: int) -> str:
    """What an explanation says of the job alone, without styles."""
    page = Page(width)
    _job(job, page)
    return "\n".join("".join(text for text, _ in line) for line in page.lines).strip("\n") + "\n"


def _job(job: Explained, page: "Page") -> None:
    _summary(job, page)
    _volumes(job, page)
    _folders(job, page)
    _variables(job, page)
    for node in job["nodes"]:
        _node(node, job, page)
    if job["notes"]:
        page.heading("Notes")
    for note in job["notes"]:
        page.line(note)


class Page:
    """Headings, lines and columns of a width, wrapped where paths and commands may break."""

    def __init__(self, width: int) -> None:
        self._width = width
        self.lines: list[Line] = []

    def heading(self, text: str) -> None:
        self.lines.append(())
        self.line(text, indent=0, style="bold underline")

    def line(self, text: str, *, indent: int = 2, hang: int = 0, style: str = "") -> None:
        """One line; what does not fit continues `hang` columns further in."""
        first, *more = wrapped(visible(text), self._width - indent - hang) or [""]
        self._put((" " * indent, ""), (first, style))
        for part in more:
            self._put((" " * (indent + hang), ""), (part, style))

    def labelled(self, label: str, text: str, style: str) -> None:
        first, *more = wrapped(visible(text), self._width - len(label) - 4)
        self._put(("  ", ""), (label, style), (": ", ""), (first, ""))
        for part in more:
            self._put((" " * (len(label) + 4) + part, ""))

    def columns(self, rows: Mapping[str, str], *, indent: int = 2) -> None:
        """Names and values."""
        width = max((len(visible(name)) for name in rows), default=0)
        for name, value in rows.items():
            first, *more = wrapped(visible(value) or "(empty)", self._width - indent - width - 2)
            self._put((" " * indent, ""), (visible(name).ljust(width + 2), "cyan"), (first, ""))
            for part in more:
                self._put((" " * (indent + width + 2) + part, ""))

    def _put(self, *pieces: tuple[str, str]) -> None:
        """A line without blanks at its end."""
        kept = list(pieces)
        while kept and not kept[-1][0].rstrip():
            kept.pop()
        if kept:
            kept[-1] = (kept[-1][0].rstrip(), kept[-1][1])
        self.lines.append(tuple(kept))


def visible(text: str) -> str:
    """`text` without anything that a terminal would obey: control characters are escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def wrapped(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` (at least 20) characters, broken after space, slash or comma."""
    width = max(width, 20)
    lines = [""]
    for piece in _short_pieces(text, width):
        if len(lines[-1]) + len(piece.rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return lines if lines != [""] else []


def _short_pieces(text: str, width: int) -> Iterator[str]:
    for piece in _PIECES.findall(text):
        for start in range(0, len(piece), width):
            yield piece[start : start + width]


def _problems(explained: Explained, page: Page) -> None:
    page.line(
        f"{explained['file']}: {'accepted' if explained['accepted'] else 'cannot run'}",
        indent=0,
        style="bold",
    )
    for problem in explained["problems"]:
        where = f"line {problem['line']}, column {problem['column']}: " if "line" in problem else ""
        text = f"{where}{problem['path']}: {problem['message']} {problem.get('hint', '')}"
        page.labelled(problem["severity"], text, _STYLES[problem["severity"]])


def _summary(job: Explained, page: Page) -> None:
    nodes = job["nodeCount"]
    page.heading(f"{job['toolType']} on {_count(nodes, 'node')}")
    page.columns(
        {
            "GPUs": f"{job['gpusPerNode']}{' on each node' if nodes > 1 else ''}",
            "runs in": f"the container {job['image']}"
            if job["image"]
            else "no container, directly on the node",
            "priority": job["priority"],
            "time limit": job["maxWallClockTime"],
        }
    )


def _volumes(job: Explained, page: Page) -> None:
    page.heading("Mounted for the job, on every node")
    for volume in job["volumes"]:
        page.line(f"{volume['target']}  ({volume['kind']})")
        page.line(f"from {volume['source']}", indent=6)
    if not job["volumes"]:
        page.line("nothing")


def _folders(job: Explained, page: Page) -> None:
    page.heading("Where things are")
    for folder in job["folders"]:
        title = "stdout, stderr and execution log" if folder["kind"] == "logs" else folder["kind"]
        page.line(f"{title} ${folder['variable']} {_ON[folder['on']]}", style="bold")
        if folder["path"]:
            page.line(_shortened(folder["path"], job["environment"]), indent=6)


def _variables(job: Explained, page: Page) -> None:
    page.heading("Variables of every process and of jobPreparation, beside those above")
    above = {folder["variable"] for folder in job["folders"]}
    page.columns({name: value for name, value in job["environment"].items() if name not in above})
    if job["nodeCount"] > 1:
        for path, content in job["files"].items():
            page.line(f"{_shortened(path, job['environment'])} holds {', '.join(content.splitlines())}")
    common = _common(job["nodes"])
    if common:
        page.heading("Variables of every process, but not of jobPreparation")
        page.columns(common)


def _node(node: Explained, job: Explained, page: Page) -> None:
    leader = ", the leader" if job["nodeCount"] > 1 and node["index"] == 0 else ""
    page.heading(f"Node {node['index']} ({node['address']}{leader})")
    page.columns(node["environment"])
    if job["preparation"]:
        _process("first jobPreparation", node["preparationLogs"], job["preparation"], {}, page)
    common = _common(job["nodes"])
    for process in node["processes"]:
        own = {name: value for name, value in process["environment"].items() if name not in common}
        title = f"{_ROLES.get(process['role'], process['role'])} {process['name']}".rstrip()
        _process(title, [process["stdout"], process["stderr"]], process["command"], own, page)
    if not node["processes"]:
        page.line("mpirun starts ranks here" if _has_ranks(node, job) else "the service starts nothing here")


def _process(title: str, logs: Sequence[str], command: str, own: Mapping[str, str], page: Page) -> None:
    page.line(f"{title} -> {', '.join(logs)}", style="bold")
    page.line(_FORWARDED.sub(_forwarded, visible(command)), indent=6, hang=2)
    page.columns(own, indent=6)


def _has_ranks(node: Explained, job: Explained) -> bool:
    """Whether mpirun, on the leader, starts processes on `node`."""
    under_mpirun = any(process["role"] == "mpi" for n in job["nodes"] for process in n["processes"])
    hosts = [line.split()[0] for content in job["files"].values() for line in content.splitlines()]
    return under_mpirun and node["address"] in hosts


def _forwarded(options: re.Match[str]) -> str:
    return f" -x ... (the {options[0].count(' -x ')} variables above, by name)"


def _common(nodes: Sequence[Explained]) -> dict[str, str]:
    """What all processes have alike, where there are several."""
    environments = [process["environment"] for node in nodes for process in node["processes"]]
    if len(environments) < 2:
        return {}
    first, *others = environments
    return {k: v for k, v in first.items() if all(other.get(k) == v for other in others)}


def _shortened(path: str, environment: Mapping[str, str]) -> str:
    for name in ("AZ_BATCHAI_JOB_MOUNT_ROOT", "AZ_BATCHAI_JOB_TEMP", "AZ_BATCHAI_MOUNT_ROOT"):
        root = environment[name]
        if path == root or path.startswith(f"{root}/"):
            return f"${name}{path[len(root) :]}"
    return path


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
