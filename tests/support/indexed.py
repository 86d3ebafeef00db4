"""Run by test_function_package.py in the function app's own folder, with Microsoft's runtime: prints JSON."""

import json
import os
import sys
import time
from pathlib import Path
from unittest.mock import MagicMock

sys.path.append(str(Path.cwd()))


def main() -> None:
    begun = time.monotonic()
    import function_app  # noqa: F401

    seconds = time.monotonic() - begun
    from azure_functions_runtime import functions as registry
    from azure_functions_runtime import loader
    from azure_functions_runtime.bindings import meta

    loaded = loader.index_function_app("function_app.py")
    meta.load_binding_registry()
    known = registry.Registry()
    # The messages of the gRPC protocol belong to the worker around the runtime, which is not on PyPI.
    messages = MagicMock()
    messages.BindingInfo.out, messages.BindingInfo.inout = 1, 2
    loader.process_indexed_function(messages, known, loaded, "")
    names = sorted(info.name for info in known._functions.values())
    print(json.dumps({"python": sys.version.split()[0], "import": seconds, "functions": names}))


if __name__ == "__main__":
    os.environ.setdefault("BATCHAI_BLOB_SOURCE", "Queue")
    main()
