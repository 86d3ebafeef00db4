"""Calls functions: `def` in a thread pool, `async def` on one event loop, as the Python worker does."""

import asyncio
import logging
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from local.host import sdk
from local.host.context import InvocationContext
from local.host.model import Function, HttpTrigger

log = logging.getLogger("host")


@dataclass(frozen=True)
class Invocation:
    """One call to come. `value` is made inside the call, so that a value that cannot be made fails it."""

    function: Function
    value: Callable[[], object]
    reason: str
    trace_parent: str | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


class Worker:
    """Runs invocations and logs how each went. A future fails with the function's own exception."""

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads, "function")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="async functions", daemon=True)
        self._running: set[str] = set()
        self._idle = threading.Condition()

    def start(self) -> None:
        self._thread.start()

    def submit(self, invocation: Invocation) -> Future[Any]:
        """Start an invocation; the result is None, or an sdk.HttpAnswer for HTTP functions."""
        with self._idle:
            self._running.add(invocation.id)
        if invocation.function.is_async:
            return asyncio.run_coroutine_threadsafe(self._run_async(invocation), self._loop)
        return self._pool.submit(self._run, invocation)

    def stop(self, deadline: float) -> list[str]:
        """Wait until `deadline` (monotonic); returns the ids of the invocations that still run."""
        with self._idle:
            self._idle.wait_for(lambda: not self._running, max(0.0, deadline - time.monotonic()))
            left = sorted(self._running)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(1.0)
        if not self._thread.is_alive():
            self._loop.close()
        self._pool.shutdown(wait=False, cancel_futures=True)
        return left

    def _run(self, invocation: Invocation) -> Any:
        record = _Record(invocation)
        try:
            arguments = _arguments(invocation)
            InvocationContext.mark_thread(invocation.id)
            answer = _answer(invocation.function, invocation.function.call(**arguments))
        except BaseException as error:
            record.failed(error)
            raise _ordinary(error) from error
        else:
            record.succeeded()
            return answer
        finally:
            self._done(invocation)

    async def _run_async(self, invocation: Invocation) -> Any:
        record = _Record(invocation)
        try:
            arguments = _arguments(invocation)
            answer = _answer(invocation.function, await invocation.function.call(**arguments))
        except BaseException as error:
            record.failed(error)
            raise _ordinary(error) from error
        else:
            record.succeeded()
            return answer
        finally:
            self._done(invocation)

    def _done(self, invocation: Invocation) -> None:
        with self._idle:
            self._running.discard(invocation.id)
            self._idle.notify_all()


class _Record:
    """The two log lines of an invocation."""

    def __init__(self, invocation: Invocation) -> None:
        self._name = f"Functions.{invocation.function.name}"
        self._id = invocation.id
        self._start = time.monotonic()
        log.info("Executing '%s' (Reason='%s', Id=%s)", self._name, invocation.reason, self._id)

    def _end(self, word: str) -> str:
        duration = int((time.monotonic() - self._start) * 1000)
        return f"Executed '{self._name}' ({word}, Id={self._id}, Duration={duration}ms)"

    def succeeded(self) -> None:
        log.info(self._end("Succeeded"))

    def failed(self, error: BaseException) -> None:
        log.error(self._end("Failed"), exc_info=error)


def _ordinary(error: BaseException) -> Exception:
    """A function that calls sys.exit() fails; it must not end the host."""
    return error if isinstance(error, Exception) else RuntimeError(f"the function raised {error!r}")


def _arguments(invocation: Invocation) -> dict[str, object]:
    function = invocation.function
    arguments = {function.argument: invocation.value()}
    if function.wants_context:
        arguments["context"] = InvocationContext(
            invocation.id, function.name, function.directory, invocation.trace_parent
        )
    return arguments


def _answer(function: Function, result: object) -> sdk.HttpAnswer | None:
    if isinstance(function.trigger, HttpTrigger):
        return sdk.http_answer(result)
    if result is not None:
        raise RuntimeError(f"function {function.name} without a $return binding returned a non-None value")
    return None
