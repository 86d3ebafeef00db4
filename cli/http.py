"""Talking to the REST API: requests, errors, long-running operations, pages."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from cli.faults import Fault, NotAnswering, Refused
from cli.messages import say_answer, say_debug, say_request
from shared.names.ids import API_VERSION

_HEADERS = {"accept": "application/json"}
_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
#: Answers that say "not now".
_NOT_NOW = (408, 429, 500, 502, 503, 504)
#: Seconds before each further try.
_PAUSES = (0.5, 1.0, 2.0)
_MOST_PAUSE = 30.0
#: Seconds between looks at an operation: first, and at most.
_FIRST_LOOK, _LONGEST_LOOK = 0.25, 5.0
_MOST_DETAILS = 20


@dataclass
class Api:
    """The REST API at one address. `sign_in` gives the headers that say who one is."""

    url: str
    sign_in: Callable[[], dict[str, str]] = dict
    transport: httpx.BaseTransport | None = None
    sleep: Callable[[float], None] = time.sleep
    _client: httpx.Client | None = field(default=None, repr=False)

    def close(self) -> None:
        """Close the connections."""
        if self._client:
            self._client.close()

    def get(self, path: str, **query: str | int) -> dict[str, Any]:
        """GET a resource. Raises Refused, NotAnswering."""
        return self._json(self.send("GET", path, query))

    def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """PATCH a resource; the resource. Raises Refused, NotAnswering."""
        return self._json(self.send("PATCH", path, {}, body))

    def put(self, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        """PUT a resource, wait for the operation to end; the resource. Raises Refused, NotAnswering."""
        answer = self.begin_put(path, body)
        self._await(answer)
        return self._json(answer) if answer.status_code != 202 and answer.content else self.get(path)

    def begin_put(self, path: str, body: dict[str, Any] | None) -> httpx.Response:
        """PUT a resource; the answer, whose operation continues. Raises Refused, NotAnswering."""
        return self.send("PUT", path, {}, body)

    def delete(self, path: str, wait: bool) -> None:
        """DELETE a resource; `wait`: until it is gone. Raises Refused, NotAnswering."""
        answer = self.send("DELETE", path, {})
        if wait:
            self._await(answer)

    def post(self, path: str, wait: bool) -> None:
        """POST an action; `wait`: until it is done. Raises Refused, NotAnswering."""
        answer = self.send("POST", path, {})
        if wait:
            self._await(answer)

    def act(self, path: str) -> dict[str, Any]:
        """POST an action that is answered by what it changed. Raises Refused, NotAnswering."""
        return self._json(self.send("POST", path, {}))

    def pages(self, method: str, path: str, **query: str | int) -> Iterator[dict[str, Any]]:
        """Every member of a list, page after page. Raises Refused, NotAnswering."""
        body = self._json(self.send(method, path, query))
        yield from body.get("value", ())
        while link := body.get("nextLink"):
            body = self._json(self.send(method, str(link), None))
            yield from body.get("value", ())

    def send(
        self,
        method: str,
        path: str,
        query: dict[str, str | int] | None,
        body: dict[str, Any] | None = None,
    ) -> httpx.Response:
        """One request, tried again where that may help (every request of this API may be repeated).

        `path`: below the address, or a whole URL the service gave; `query` None: the URL has its own.
        Raises Refused, NotAnswering.
        """
        url = httpx.URL(path) if path.startswith("http") else httpx.URL(self.url.rstrip("/") + path)
        if query is not None:
            url = url.copy_merge_params({"api-version": API_VERSION, **query})
        # Only the service learns who one is.
        signed = self.sign_in() if _origin(url) == _origin(httpx.URL(self.url)) else {}
        sent = _HEADERS | signed
        say_request(method, url, signed, body)
        for pause in (*_PAUSES, None):
            begun = time.monotonic()
            try:
                answer = self._open().request(method, url, json=body, headers=sent)
            except httpx.TransportError as error:
                if pause is None:
                    raise _silent(self.url, error) from None
                say_debug(f"no answer ({type(error).__name__}); trying again")
                self.sleep(pause)
                continue
            except httpx.InvalidURL as error:
                raise Fault(f"{self.url} is not an address: {error}", "See: batchai configure") from None
            say_answer(answer, time.monotonic() - begun)
            if answer.status_code not in _NOT_NOW or pause is None:
                break
            self.sleep(_retry_after(answer, pause))
        if answer.status_code >= 400:
            raise _refusal(answer)
        return answer

    def _open(self) -> httpx.Client:
        if self._client is None:
            self._client = httpx.Client(transport=self.transport, timeout=_TIMEOUT)
        return self._client

    def _json(self, answer: httpx.Response) -> dict[str, Any]:
        try:
            body = answer.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise NotAnswering(
                f"{answer.request.url.copy_with(query=None)} answered {answer.status_code} without JSON",
                "Is this the address of a Batch AI function app? See: batchai configure --list",
            )
        return body

    def _await(self, answer: httpx.Response) -> None:
        """Wait for the operation that an answer of 201 or 202 has begun. Raises Refused where it failed."""
        link = answer.headers.get("azure-asyncoperation")
        if answer.status_code not in (200, 201, 202) or not link:
            return
        pause = _FIRST_LOOK
        while True:
            looked = self.send("GET", link, None)
            body = self._json(looked)
            status = str(body.get("status", "")).lower()
            if status == "succeeded":
                return
            if status in ("failed", "canceled"):
                error = body.get("error") or {}
                raise _refused_by(409, error, f"The operation {status}.")
            self.sleep(_retry_after(looked, pause))
            pause = min(pause * 1.5, _LONGEST_LOOK)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _retry_after(answer: httpx.Response, otherwise: float) -> float:
    message = answer.headers.get("retry-after", "")
    return min(float(message), _MOST_PAUSE) if message.isdecimal() else otherwise


def _silent(url: str, error: httpx.TransportError) -> NotAnswering:
    reason = str(error) or type(error).__name__
    return NotAnswering(
        f"{url} does not answer: {reason}",
        "Is it running (make status) and is the address right (batchai configure --list)?",
    )


def _refusal(answer: httpx.Response) -> Fault:
    try:
        error = answer.json()["error"]
    except (ValueError, KeyError, TypeError):
        error = {}
    where = answer.request.url.copy_with(query=None)
    text = f"{answer.request.method} {where} answered {answer.status_code}"
    if answer.status_code in _NOT_NOW:
        message = error.get("message") if isinstance(error, dict) else None
        return NotAnswering(str(message or text), "Try again; the log of the function app says why.")
    return _refused_by(answer.status_code, error, text)


def _refused_by(status: int, error: Any, otherwise: str) -> Refused:
    error = error if isinstance(error, dict) else {}
    code = str(error.get("code") or "")
    message = str(error.get("message") or otherwise)
    rows = [d for d in error.get("details") or () if isinstance(d, dict)]
    details = [str(d.get("message") or d.get("code")) for d in rows[:_MOST_DETAILS]]
    if len(rows) > _MOST_DETAILS:
        details.append(f"... and {len(rows) - _MOST_DETAILS} more")
    if len(details) == 1:
        details = []  # the message says it already
    return Refused(status, code, f"{message} ({code})" if code else message, _advice(status, code), details)


def _advice(status: int, code: str) -> str:
    if code in ("SubscriptionNotFound", "ResourceGroupNotFound"):
        return (
            "The installation stands for another one. Leave --subscription and -g out, or see: "
            "batchai configure --list"
        )
    kind = code.removesuffix("NotFound")
    lists = {"Workspace": "workspace", "Experiment": "experiment", "Job": "job", "Cluster": "cluster"}
    if kind != code and kind in lists:
        return f"See what there is: batchai {lists[kind]} list"
    if code == "FileServerNotProvisioned":
        return "batchai file-server delete -n NAME, then create it with --internal-ip and --mount-point"
    if code == "OutputDirectoryNotFound":
        return "See what there is: batchai job show --query 'outputDirectories[].id'"
    if code == "OutputDirectoryNotOnMountRoot":
        return "Only what lies on a file share or in a container can be listed."
    if kind == "FileServer" and kind != code:
        return "See what there is: batchai file-server list"
    if code == "AuthorizationFailed":
        return "Ask whoever runs the service for that role (docs/reference/roles.md)."
    if status in (401, 403):
        return "Set function_key or audience: batchai configure (docs/reference/cli.md, Sign-in)"
    return ""
