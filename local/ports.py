"""The ports of the stack: chosen by hand, else the ones of last time, else free ones."""

import json
import socket
from contextlib import ExitStack
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from local import processes
from local.processes import StartError


@dataclass(frozen=True)
class Ports:
    """A TCP port of the loopback interface for each service; 0 where none is chosen."""

    http: int = 0
    blob: int = 0
    queue: int = 0
    table: int = 0
    file: int = 0
    arm: int = 0


def remembered(path: Path) -> Ports:
    """The ports of last time; none where that is not known."""
    try:
        raw = json.loads(path.read_text())
        # One that was added since then has no port of last time.
        return Ports(**{field.name: int(raw.get(field.name, 0)) for field in fields(Ports)})
    except (OSError, ValueError, AttributeError, TypeError):
        return Ports()


def remember(path: Path, ports: Ports) -> None:
    """Write them down for next time."""
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(asdict(ports)))
    draft.replace(path)


def choose(wanted: Ports, before: Ports) -> Ports:
    """A port for every service: the one `wanted`, else the one of `before` where it is free, else a free one.

    Raises StartError for one that is wanted and cannot be had.
    """
    chosen: dict[str, int] = {}
    with ExitStack() as held:
        for name, port in asdict(wanted).items():
            if port:
                chosen[name] = port
                if not _hold(port, held) or list(chosen.values()).count(port) > 1:
                    raise StartError(
                        f"port {port} ({name.upper()}_PORT) is taken, or chosen twice. Choose another, "
                        "or leave it out: then it is the port of last time, or a free one"
                    )
        for name, port in asdict(before).items():
            if port and name not in chosen and port not in chosen.values() and _hold(port, held):
                chosen[name] = port
        # Only now: a free one might else be what another service had.
        for name in asdict(before).keys() - chosen.keys():
            while not (port := _hold(processes.free_port(), held)):
                pass  # somebody was quicker
            chosen[name] = port
    return replace(wanted, **chosen)


def _hold(port: int, held: ExitStack) -> int:
    """Keep a port until `held` is left: it, or 0 where it is taken."""
    probe = held.enter_context(socket.socket())
    # As the servers do: what an earlier stack's connections have left of a port does not matter.
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind(("127.0.0.1", port))
    except OSError:
        return 0
    return port
