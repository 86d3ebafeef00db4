"""Which version of this package runs."""

import functools
import importlib.metadata

NAME = "batchai-serverless"


@functools.cache
def package_version() -> str:
    """As it was built, or "source" for a checkout that was never installed."""
    try:
        return importlib.metadata.version(NAME)
    except importlib.metadata.PackageNotFoundError:
        return "source"
