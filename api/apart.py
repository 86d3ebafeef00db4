"""Requests that may wait long for somebody else's storage, in threads of their own.

The host runs `def` functions in a few threads that all of them share (PYTHON_THREADPOOL_THREAD_COUNT);
those of the blob triggers and the timer are the same. A request that waits there keeps the others waiting.
"""

import asyncio
import contextvars
import functools
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import azure.functions as func

_THREADS = 32
_pool = ThreadPoolExecutor(_THREADS, "apart")

Handler = Callable[[func.HttpRequest], func.HttpResponse]


def apart(handler: Handler) -> Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]:
    """Decorates a handler: it takes none of the host's threads."""

    @functools.wraps(handler)
    async def waited_for(req: func.HttpRequest) -> func.HttpResponse:
        run = functools.partial(contextvars.copy_context().run, handler, req)
        return await asyncio.get_running_loop().run_in_executor(_pool, run)

    return waited_for
