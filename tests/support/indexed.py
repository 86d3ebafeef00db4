"""Run by test_function_package.py in the function app's own folder, with Microsoft's runtime: prints JSON."""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

sys.path.append(str(Path.cwd()))


def main() -> None:
    begun = time.monotonic()
    import function_app  # noqa: F401

    seconds = time.monotonic() - begun
    from azure_functions_runtime import functions as registry
    from azure_functions_runtime import loader

    loaded = loader.index_function_app("function_app.py")
    known = registry.Registry()
    # The messages of the gRPC protocol belong to the worker around the runtime, which is not on PyPI.
    loader.process_indexed_function(MagicMock(), known, loaded, "")
    names = {name: _trigger(known, name) for name in sorted(f.get_function_name() for f in loaded)}
    print(json.dumps({"python": sys.version.split()[0], "import": seconds, "functions": names}))


def _trigger(known: Any, name: str) -> str:
    """The kind of a function's trigger, as the runtime has it in its register."""
    found = [info for info in known._functions.values() if info.name == name]
    (info,) = found
    return next(kind for kind in info.input_types.values()).binding_name


if __name__ == "__main__":
    os.environ.setdefault("BATCHAI_BLOB_SOURCE", "Queue")
    main()
