"""The installed `batchai` as a person runs it: a process with a home and a directory of its own."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.layout import StackState

_SETTINGS = ("BATCHAI_", "AZURE_")


@dataclass(frozen=True)
class CommandLine:
    """Runs `batchai` in `folder`, which is its home too and in which the local stack is found."""

    folder: Path

    def start(self, *words: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start it; stdout and stderr are pipes."""
        env = {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS)}
        env |= {"HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder / ".config"), "USER": "me"}
        return subprocess.Popen(
            [str(Path(sys.prefix) / "bin" / "batchai"), *words],
            cwd=self.folder,
            env=env | options.pop("env", {}),
            stdin=options.pop("stdin", subprocess.DEVNULL),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **options,
        )

    def __call__(self, *words: str, code: int = 0, seconds: float = 40) -> str:
        """Run it to its end, which must be `code`; what it printed."""
        process = self.start(*words)
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        shown = f"batchai {' '.join(words)}\n{out.decode()}\n{err.decode()}"
        assert process.returncode == code, f"exit code {process.returncode}, not {code}: {shown}"
        assert b"Traceback" not in err, shown
        return out.decode()

    def errors(self, *words: str, code: int) -> str:
        """Run it to its end, which must be `code`; what it said on standard error."""
        process = self.start(*words)
        _, err = process.communicate(timeout=60)
        assert process.returncode == code, err.decode()
        return err.decode()

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
