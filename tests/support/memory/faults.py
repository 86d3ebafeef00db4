"""What can fail in one call of storage, set beforehand."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
    ServiceResponseError,
)

_KINDS = {404: ResourceNotFoundError, 409: ResourceExistsError, 412: ResourceModifiedError}


class Crash(BaseException):
    """The process ends here."""


@dataclass(frozen=True)
class Call:
    """One request: "table", "queue" or "blob"; "create", "update", "transaction", ...; what it is about
    ("<table>/<partition>/<row>", "<queue>", "<container>/<blob>")."""

    service: str
    verb: str
    name: str

    @property
    def writes(self) -> bool:
        return self.verb not in ("query", "get", "list", "exists", "properties")


T = TypeVar("T")
Meant = Callable[[Call], bool]


def refusal(status: int, code: str) -> HttpResponseError:
    """The SDK's exception for an answer of the service."""
    error: Any = _KINDS.get(status, HttpResponseError)(message=f"{status} {code}")
    error.status_code, error.error_code = status, code
    refused: HttpResponseError = error
    return refused


@dataclass
class _Fault:
    meant: Meant
    before: Callable[[], None] = lambda: None
    after: Callable[[], None] = lambda: None
    repeated: bool = False  #: the client asks once more; the second answer counts
    times: int = 1


class Faults:
    """Each fault befalls the next calls that are meant, `times` of them."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._faults: list[_Fault] = []

    def refuse(self, meant: Meant, status: int, code: str, times: int = 1) -> None:
        """The service refuses and does nothing: 412, 409, 503 ServerBusy, ..."""

        def answer() -> None:
            raise refusal(status, code)

        self._faults.append(_Fault(meant, before=answer, times=times))

    def throttle(self, meant: Meant, times: int = 1) -> None:
        """The service is busy for longer than the client repeats."""
        self.refuse(meant, 503, "ServerBusy", times)

    def lose_answer(self, meant: Meant, times: int = 1) -> None:
        """The request takes effect; whoever sent it learns only that no answer came."""

        def lost() -> None:
            raise ServiceResponseError("the connection was closed without an answer")

        self._faults.append(_Fault(meant, after=lost, times=times))

    def lose_first_answer(self, meant: Meant) -> None:
        """The request takes effect, the client repeats it and hears what the service says to that."""
        self._faults.append(_Fault(meant, repeated=True))

    def meanwhile(self, meant: Meant, act: Callable[[], Any]) -> None:
        """Somebody else acts just before the request arrives."""

        def before() -> None:
            act()

        self._faults.append(_Fault(meant, before=before))

    def afterwards(self, meant: Meant, act: Callable[[], Any]) -> None:
        """Somebody else acts when the request has taken effect, before its answer arrives."""

        def after() -> None:
            act()

        self._faults.append(_Fault(meant, after=after))

    def at_each_call(self, look: Callable[[Call, bool], None]) -> None:
        """Look on just before each request is sent (False), and when it has taken effect (True)."""

        def before() -> None:
            look(self.calls[-1], False)

        def after() -> None:
            look(self.calls[-1], True)

        self._faults.append(_Fault(lambda _: True, before, after, times=-1))

    def crash(self, at: int, arrived: bool) -> None:
        """The process ends at its call number `at`, counted from now: after the request has `arrived`, or
        before it is sent."""
        number = len(self.calls) + at

        def ends() -> None:
            raise Crash

        def meant(_: Call) -> bool:
            return len(self.calls) == number

        self._faults.append(_Fault(meant, after=ends) if arrived else _Fault(meant, before=ends))

    def heal(self) -> None:
        """No fault any more."""
        self._faults.clear()

    def call(self, call: Call, apply: Callable[[], T]) -> T:
        """Make a call, with the fault that is meant for it."""
        self.calls.append(call)
        fault = next((fault for fault in self._faults if fault.meant(call)), None)
        if fault is None:
            return apply()
        fault.times -= 1
        if not fault.times:
            self._faults.remove(fault)
        fault.before()
        answer = apply()
        if fault.repeated:
            answer = apply()
        fault.after()
        return answer
