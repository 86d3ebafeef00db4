"""The installed `batchai` as a person runs it: a process with a home and a directory of its own."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.layout import StackState
from tests.support import forks

_SETTINGS = ("BATCHAI_", "AZURE_")


@dataclass(frozen=True)
class CommandLine:
    """Runs `batchai` in `folder`, which is its home too and in which the local stack is found."""

    folder: Path

    def start(self, *words: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start it; stdout and stderr are pipes."""
        return subprocess.Popen(
            [str(Path(sys.prefix) / "bin" / "batchai"), *words],
            cwd=self.folder,
            env=self._environment() | options.pop("env", {}),
            stdin=options.pop("stdin", subprocess.DEVNULL),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **options,
        )

    def _environment(self) -> dict[str, str]:
        env = {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS)}
        return env | {"HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder / ".config"), "USER": "me"}

    def _run(self, words: Sequence[str], seconds: float) -> tuple[int, str, str]:
        """Run it to its end; its exit code, stdout and stderr."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = forks.fork(
                forks.BATCHAI, ["batchai", *words], (out, err), self._environment(), self.folder
            )
            try:
                code = process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise
            out.seek(0)
            err.seek(0)
            return code, out.read().decode(), err.read().decode()

    def __call__(self, *words: str, code: int = 0, seconds: float = 40) -> str:
        """Run it to its end, which must be `code`; what it printed."""
        ended, out, err = self._run(words, seconds)
        shown = f"batchai {' '.join(words)}\n{out}\n{err}"
        assert ended == code, f"exit code {ended}, not {code}: {shown}"
        assert "Traceback" not in err, shown
        return out

    def errors(self, *words: str, code: int) -> str:
        """Run it to its end, which must be `code`; what it said on standard error."""
        ended, _, err = self._run(words, 60)
        assert ended == code, err
        return err

    def json(self, *words: str) -> Any:
        """Run it; what it printed, as JSON."""
        return json.loads(self(*words, "-o", "json"))

    def write(self, name: str, document: dict[str, Any]) -> str:
        """Write a document into the folder; its name."""
        (self.folder / name).write_text(json.dumps(document, indent=2))
        return name


def command_line(folder: Path, stack: StackState) -> CommandLine:
    """`batchai` in `folder`, where `.local` leads to the data directory of `stack`."""
    data = Path(stack.parts[0].log).parents[1]
    (folder / ".local").symlink_to(data)
    return CommandLine(folder)
