"""`func.Context`: what a function that asks for `context` is given."""

import secrets
import threading
from types import SimpleNamespace
from typing import Any

import azure.functions as func

_local = threading.local()


class InvocationContext(func.Context):
    """The public face of func.Context, without retries (the host's retries are new invocations)."""

    def __init__(self, invocation_id: str, name: str, directory: str, trace_parent: str | None) -> None:
        self._invocation_id = invocation_id
        self._name = name
        self._directory = directory
        parent = trace_parent or f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
        self._trace = SimpleNamespace(trace_parent=parent, trace_state="", attributes={})

    @staticmethod
    def mark_thread(invocation_id: str) -> None:
        """Say in this thread's local storage whose invocation it runs."""
        _local.invocation_id = invocation_id

    @property
    def invocation_id(self) -> str:
        return self._invocation_id

    @property
    def thread_local_storage(self) -> Any:
        """Holds `invocation_id` in the thread that runs a `def` function."""
        return _local

    @property
    def function_name(self) -> str:
        return self._name

    @property
    def function_directory(self) -> str:
        return self._directory

    @property
    def trace_context(self) -> Any:
        return self._trace

    @property
    def retry_context(self) -> Any:
        return SimpleNamespace(retry_count=0, max_retry_count=0, exception=None)
