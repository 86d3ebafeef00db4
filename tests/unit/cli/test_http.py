"""The HTTP client of `batchai`: tries again, follows operations and pages, reports errors."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from cli import faults
from cli.faults import Fault, NotAnswering, Refused
from cli.http import Api
from cli.sign_in import sign_in

Handler = Callable[[httpx.Request], httpx.Response]


class Service:
    """Answers of a service in their order; what was asked, and how long was slept."""

    def __init__(
        self, *answers: httpx.Response | Exception, url: str = "http://service", **options: Any
    ) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []
        self.slept: list[float] = []
        transport = httpx.MockTransport(self._answer)
        self.api = Api(url, transport=transport, sleep=self.slept.append, **options)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def refused(status: int, code: str, message: str, **more: Any) -> httpx.Response:
    return httpx.Response(status, json={"error": {"code": code, "message": message, **more}})


def accepted(link: str = "http://service/op?t=1") -> httpx.Response:
    return httpx.Response(202, headers={"Azure-AsyncOperation": link})


def test_what_fails_for_a_moment_is_tried_again() -> None:
    service = Service(
        httpx.ConnectError("refused"),
        refused(503, "ServiceUnavailable", "later"),
        httpx.Response(200, json={"name": "x"}),
    )
    assert service.api.get("/x") == {"name": "x"}
    assert service.slept == [0.5, 1.0]
    assert service.asked[0].url == "http://service/x?api-version=2018-05-01"


def test_what_keeps_failing_is_reported_with_the_address() -> None:
    service = Service(*[httpx.ConnectError("Connection refused")] * 4)
    with pytest.raises(NotAnswering, match="http://service does not answer: Connection refused") as fault:
        service.api.get("/x")
    assert fault.value.exit_code == faults.UNREACHABLE


def test_a_wait_that_the_service_asks_for_is_kept() -> None:
    busy = httpx.Response(429, headers={"Retry-After": "7"})
    service = Service(busy, httpx.Response(200, json={}))
    service.api.get("/x")
    assert service.slept == [7.0]


def test_a_put_waits_for_its_operation_and_gets_the_resource() -> None:
    service = Service(
        accepted(),
        httpx.Response(200, json={"status": "InProgress"}),
        httpx.Response(200, json={"status": "Succeeded"}),
        httpx.Response(200, json={"name": "made"}),
    )
    assert service.api.put("/x", {"a": 1}) == {"name": "made"}
    assert [request.method for request in service.asked] == ["PUT", "GET", "GET", "GET"]
    assert str(service.asked[1].url) == "http://service/op?t=1"


def test_an_operation_that_failed_is_a_refusal() -> None:
    failed = {"status": "Failed", "error": {"code": "FileServerNotProvisioned", "message": "no machine"}}
    service = Service(accepted(), httpx.Response(200, json=failed))
    with pytest.raises(Refused, match="no machine") as fault:
        service.api.put("/x", {})
    assert fault.value.exit_code == faults.ERROR and "--internal-ip" in fault.value.hint


def test_without_waiting_nothing_is_asked_after() -> None:
    service = Service(accepted())
    service.api.delete("/x", wait=False)
    assert len(service.asked) == 1


def test_every_page_is_read() -> None:
    service = Service(
        httpx.Response(200, json={"value": [{"name": "a"}], "nextLink": "http://service/l?$skiptoken=a"}),
        httpx.Response(200, json={"value": [{"name": "b"}]}),
    )
    assert [item["name"] for item in service.api.pages("GET", "/l")] == ["a", "b"]
    assert service.asked[1].url.params["$skiptoken"] == "a"


def test_who_one_is_is_reported_to_the_service_alone() -> None:
    service = Service(
        accepted("http://elsewhere/op"),
        httpx.Response(200, json={"status": "Succeeded"}),
        sign_in=lambda: {"x-functions-key": "secret"},
    )
    service.api.post("/x", wait=True)
    assert service.asked[0].headers["x-functions-key"] == "secret"
    assert "x-functions-key" not in service.asked[1].headers


@pytest.mark.parametrize(
    ("status", "code", "exit_code", "hint"),
    [
        (404, "JobNotFound", 3, "batchai job list"),
        (404, "FileServerNotFound", 3, "batchai file-server list"),
        (404, "ResourceGroupNotFound", 3, "leave"),
        (401, "", 5, "batchai configure"),
        (403, "AuthorizationFailed", 5, "docs/reference/roles.md"),
        (409, "JobAlreadyExists", 1, ""),
    ],
)
def test_refusals_have_exit_codes_and_advice(status: int, code: str, exit_code: int, hint: str) -> None:
    service = Service(refused(status, code, "no"))
    with pytest.raises(Refused) as fault:
        service.api.get("/x")
    assert fault.value.exit_code == exit_code
    assert hint.lower() in fault.value.hint.lower()


def test_details_are_reported_each_on_a_line() -> None:
    details = [{"message": f"fault {number}"} for number in range(30)]
    service = Service(refused(400, "InvalidRequestContent", "30 faults", details=details))
    with pytest.raises(Refused) as fault:
        service.api.get("/x")
    assert fault.value.details[0] == "fault 0" and fault.value.details[-1] == "... and 10 more"


@pytest.mark.parametrize("answer", [httpx.Response(200, text="<html>"), httpx.Response(200, json=[1])])
def test_an_address_of_something_else_is_noticed(answer: httpx.Response) -> None:
    with pytest.raises(NotAnswering, match="without JSON"):
        Service(answer).api.get("/x")


def test_no_key_is_sent_over_plain_http_to_another_machine() -> None:
    with pytest.raises(Fault, match="not https") as fault:
        sign_in("http://myapp.example", "key", "")
    assert fault.value.exit_code == faults.NOT_ALLOWED
    for url in ("https://myapp.example", "http://127.0.0.1:7071", "http://localhost:7071", "http://[::1]:1"):
        assert sign_in(url, "key", "")() == {"x-functions-key": "key"}
    assert sign_in("http://myapp.example", "", "")() == {}
