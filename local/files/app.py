"""The ASGI application: a request is authenticated and given to its operation; every refusal becomes XML."""

import errno
import logging
import os
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from local.files import bearer, operations, sas, sharedkey, shares, targets, xmltext
from local.files.errors import FilesError
from local.files.files import LARGEST_RANGE
from local.files.operations import Operation
from local.files.state import NEWEST_VERSION, Answer, Call, Emulator, Slice, refuse_unsupported
from local.files.targets import Target

_log = logging.getLogger(__name__)
_METHODS = ["GET", "HEAD", "PUT", "DELETE", "POST"]
_CHUNK = 1024**2
_MOST_DRAINED = 16 * 1024**2


def create_app(emulator: Emulator) -> Starlette:
    async def serve(request: Request) -> Response:
        return await _serve(emulator, request)

    return Starlette(routes=[Route("/{rest:path}", serve, methods=_METHODS)])


async def _serve(emulator: Emulator, request: Request) -> Response:
    headers = _joined(request)
    request_id = str(uuid.uuid4())
    try:
        answer = await _answer(emulator, request, headers)
    except FilesError as error:
        answer = await _refusal(request, error, request_id)
    except OSError as error:
        answer = await _refusal(request, _of_os(error), request_id)
    except Exception:
        _log.exception("%s %s failed", request.method, request.url.path)
        answer = await _refusal(request, FilesError("InternalError"), request_id)
    # Never the query: it may hold a signature.
    _log.info("%s %s %d", request.method, request.url.path, answer.status)
    common = {"x-ms-request-id": request_id, "x-ms-version": headers.get("x-ms-version", NEWEST_VERSION)}
    if "x-ms-client-request-id" in headers:
        common["x-ms-client-request-id"] = headers["x-ms-client-request-id"]
    return _response(answer, common, request.method)


async def _answer(emulator: Emulator, request: Request, headers: Mapping[str, str]) -> Answer:
    raw_path = request.scope["raw_path"].decode("ascii")
    keep = headers.get("x-ms-allow-trailing-dot", "").lower() == "true"
    account = targets.account_of(raw_path, emulator.accounts)
    target = targets.parse(raw_path, emulator.accounts, keep_trailing_dots=keep)
    query = _query(request)
    operation = operations.find(request.method, target, query)
    claims = _authenticate(emulator, account, request, headers, query, target, operation)
    call = Call(
        emulator=emulator,
        method=request.method,
        target=target,
        query=query,
        headers=headers,
        body=await _body(request, headers),
        account=account,
        claims=claims,
        endpoint=f"{request.url.scheme}://{headers.get('host', 'localhost')}/{account}/",
    )
    refuse_unsupported(call)
    return await run_in_threadpool(operation.handler, call)


def _authenticate(
    emulator: Emulator,
    account: str,
    request: Request,
    headers: Mapping[str, str],
    query: Mapping[str, str],
    target: Target,
    operation: Operation,
) -> Mapping[str, object]:
    """The claims of the bearer token, {} where there is none. Raises FilesError."""
    now = datetime.now(UTC)
    key = emulator.key
    if bearer.is_bearer(headers):
        # The one operation whose reference does not name the header, and with which the SDK does not send it.
        with_intent = query.get("comp") != "userdelegationkey"
        return bearer.check(headers, account, now, with_intent)
    if not emulator.takes_keys and ("authorization" in headers or "skoid" not in query):
        raise FilesError("KeyBasedAuthenticationNotPermitted")
    if "authorization" in headers:
        raw_path, raw_query = (
            request.scope["raw_path"].decode("ascii"),
            request.scope["query_string"].decode("ascii"),
        )
        sharedkey.check(request.method, headers, raw_path, raw_query, account=account, key=key, now=now)
    elif sas.is_sas(query):
        client = request.client.host if request.client else ""
        sas.check(
            query,
            target,
            operation.need,
            account=account,
            key=key,
            now=now,
            client=client,
            policy=lambda name: shares.policy(emulator, target.share, name),
            secure=request.url.scheme == "https",
        )
    else:
        raise FilesError("NoAuthenticationInformation")
    return {}


def _joined(request: Request) -> dict[str, str]:
    """Headers by lower-case name; what came several times is joined by commas."""
    joined: dict[str, str] = {}
    for name, value in request.headers.items():
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _query(request: Request) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in request.scope["query_string"].decode("ascii").split("&") if pair)
    return {unquote(name).lower(): unquote(value) for name, _, value in pairs}


async def _body(request: Request, headers: Mapping[str, str]) -> bytes:
    if (
        not headers.get("content-length", "0").isdecimal()
        or int(headers.get("content-length", "0")) > LARGEST_RANGE
    ):
        raise FilesError("RequestBodyTooLarge")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_RANGE:
            raise FilesError("RequestBodyTooLarge")
    return bytes(body)


async def _refusal(request: Request, error: FilesError, request_id: str) -> Answer:
    """The answer to a refused request, whose body is read first: who is still sending sees no answer."""
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and 0 < int(length) <= _MOST_DRAINED and not request._stream_consumed:
        async for _ in request.stream():
            pass
    time = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}0Z"
    body = xmltext.error(error.code, error.message, request_id, time, error.detail)
    headers = {"Content-Type": "application/xml", "x-ms-error-code": error.code, **error.headers}
    return Answer(error.status, headers, body)


def _of_os(error: OSError) -> FilesError:
    """What the file system said, in the service's words."""
    if error.errno in (errno.ENOENT, errno.ENOTDIR):  # another process was faster
        return FilesError("ResourceNotFound")
    if error.errno in (errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL):
        return FilesError(
            "InvalidResourceName", f"the file system refuses this name or size: {error.strerror}"
        )
    if error.errno == errno.EISDIR:
        return FilesError("ResourceTypeMismatch")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return FilesError(
            "AuthorizationFailure", f"the emulator's own process may not do this: {error.strerror}"
        )
    _log.error("the file system refused", exc_info=error)
    return FilesError("InternalError", f"the file system refused: {error.strerror}")


def _response(answer: Answer, common: Mapping[str, str], method: str) -> Response:
    headers = {**common, **answer.headers}
    if isinstance(answer.body, Slice):
        return SliceResponse(answer.body, answer.status, headers)
    # To HEAD the header x-ms-error-code must do.
    return Response(b"" if method == "HEAD" else answer.body, answer.status, headers)


class SliceResponse(Response):
    """A part of an open file, sent in chunks.

    A file that becomes shorter meanwhile breaks the connection off: its length is promised already.
    """

    def __init__(self, body: Slice, status: int, headers: Mapping[str, str]) -> None:
        super().__init__(status_code=status, headers={**headers, "Content-Length": str(body.span.length)})
        self._slice = body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        descriptor, span = self._slice.descriptor, self._slice.span
        try:
            await send(
                {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
            )
            position = span.start
            while position <= span.end:
                count = min(_CHUNK, span.end + 1 - position)
                chunk = await run_in_threadpool(os.pread, descriptor, count, position)
                if not chunk:
                    raise EOFError("the file became shorter while it was sent")
                position += len(chunk)
                await send({"type": "http.response.body", "body": chunk, "more_body": position <= span.end})
        finally:
            os.close(descriptor)
