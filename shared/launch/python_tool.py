"""The command line of a Python toolkit. PURE."""

from typing import Protocol


class PythonSettings(Protocol):
    """What all toolkits that run a Python script have in common."""

    @property
    def python_interpreter_path(self) -> str | None: ...

    @property
    def python_script_file_path(self) -> str | None: ...


def command(settings: PythonSettings, arguments: str | None, default_python: str) -> str:
    """`<pythonInterpreterPath or python> <pythonScriptFilePath> <arguments>`, as shell text.

    Nothing is quoted: all three are shell text in the document (recipes put variables, pipes and `;` there).
    """
    interpreter = settings.python_interpreter_path or default_python
    parts = (interpreter, settings.python_script_file_path or "", arguments or "")
    return " ".join(part.strip() for part in parts if part.strip())
