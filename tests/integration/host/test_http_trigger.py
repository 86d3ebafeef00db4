"""HTTP triggers: routes, what a function is given, what comes back."""

import http.client
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from tests.integration.host.conftest import MakeHost
from tests.support.functions_host import HostUnderTest

APP = """
import json

ARM = "subscriptions/{sub}/resourceGroups/{rg}/providers/Microsoft.BatchAI/workspaces/{ws}/jobs/{job}"

@app.route(route=ARM, methods=["GET"])
def get_job(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(dict(req.route_params)), mimetype="application/json")

@app.route(route=ARM, methods=["DELETE"])
def delete_job(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(status_code=204, body="not sent")

@app.route(route="echo/{*rest}")
def echo(req: func.HttpRequest) -> func.HttpResponse:
    seen = {"method": req.method, "url": req.url, "params": dict(req.params), "route": dict(req.route_params),
            "header": req.headers.get("X-Mixed"), "body": req.get_body().decode()}
    return func.HttpResponse(json.dumps(seen), headers={"X-Answer": "yes", "Content-Length": "3"})

@app.route(route="text/{n:int}")
async def text(req: func.HttpRequest) -> str:
    return "gr\\u00fcn " + req.route_params["n"]

@app.route(route="text/{other}")
def other(req: func.HttpRequest) -> str:
    return "other"

@app.route(route="dict")
def returns_dict(req: func.HttpRequest):
    return {"a": 1}

@app.route(route="none")
def returns_none(req: func.HttpRequest):
    return None

@app.route(route="boom")
def boom(req: func.HttpRequest):
    raise RuntimeError("a secret of the app")

@app.route(route="exits")
async def exits(req: func.HttpRequest):
    raise SystemExit(3)

@app.route(route="body", methods=["POST"])
def body(req: func.HttpRequest):
    return json.dumps(req.get_json())

@app.route(route="cookies")
def cookies(req: func.HttpRequest) -> func.HttpResponse:
    response = func.HttpResponse(b"\\x00\\x01", mimetype="application/octet-stream")
    response.headers.add("Set-Cookie", "a=1; Path=/")
    response.headers.add("Set-Cookie", "b=2")
    return response
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostUnderTest]:
    """One host for the tests that only ask; HTTP alone needs no storage."""
    made = HostUnderTest(tmp_path_factory.mktemp("http") / "app", {}, APP)
    made.write_host_json({"http": {"routePrefix": ""}})
    yield made.start()
    assert made.stop() == 0


def test_routes_and_values(host: HostUnderTest) -> None:
    path = "/SUBSCRIPTIONS/s/resourcegroups/My%20Group/providers/microsoft.batchai/workspaces/W/jobs/a%2Fb"
    answer = host.request("GET", path)
    assert answer.json() == {"sub": "s", "rg": "My Group", "ws": "W", "job": "a%2Fb"}
    assert answer.headers["content-type"] == "application/json"
    deleted = host.request("DELETE", path)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert host.request("PUT", path).status_code == 404
    assert host.request("GET", path + "/more").status_code == 404
    assert host.request("GET", "/api" + path).status_code == 404


def test_a_request_arrives_as_in_the_host(host: HostUnderTest) -> None:
    path = "/echo/x/y%20z?a=1&empty=&a=2&q=%C3%BC"
    answer = host.request("PATCH", path, headers={"x-mixed": "Value"}, content=b"body")
    assert answer.json() == {
        "method": "PATCH",
        "url": host.url + path,
        "params": {"a": "1,2", "q": "ü"},
        "route": {"rest": "x/y z"},
        "header": "Value",
        "body": "body",
    }
    assert answer.headers["x-answer"] == "yes"


def test_a_chunked_body_arrives_empty(host: HostUnderTest) -> None:
    answer = host.request("POST", "/echo/", content=iter([b"some", b"thing"]))
    assert answer.json()["body"] == ""


def test_str_and_precedence(host: HostUnderTest) -> None:
    answer = host.request("GET", "/text/7")
    assert answer.text == "grün 7"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert host.request("GET", "/text/seven").text == "other"


@pytest.mark.parametrize("path", ["/dict", "/none", "/boom", "/exits"])
def test_a_faulty_answer_is_500_and_shows_the_client_nothing(host: HostUnderTest, path: str) -> None:
    before = host.count("(Failed, Id=")
    answer = host.request("GET", path)
    assert (answer.status_code, answer.content) == (500, b"")
    host.wait_for("(Failed, Id=", before + 1)
    assert host.request("GET", "/text/1").status_code == 200
    if path == "/boom":
        assert "RuntimeError: a secret of the app" in host.output()


def test_bad_json_is_the_functions_fault(host: HostUnderTest) -> None:
    assert host.request("POST", "/body", content=b'{"a": [1]}').json() == {"a": [1]}
    assert host.request("POST", "/body", content=b"{").status_code == 500
    assert host.request("POST", "/body").status_code == 500


def test_head_bytes_and_cookies(host: HostUnderTest) -> None:
    answer = host.request("GET", "/cookies")
    assert (answer.content, answer.headers["content-type"]) == (b"\x00\x01", "application/octet-stream")
    assert answer.headers.get_list("set-cookie") == ["a=1; Path=/", "b=2"]
    head = host.request("HEAD", "/cookies")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "2")


def test_a_body_over_the_hosts_limit_is_refused_unread(host: HostUnderTest) -> None:
    connection = http.client.HTTPConnection(urlsplit(host.url).netloc, timeout=10)
    connection.putrequest("POST", "/body")
    connection.putheader("Content-Length", "300000000")
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_the_hosts_own_addresses(host: HostUnderTest) -> None:
    status = host.request("GET", "/admin/host/status").json()
    assert status["state"] == "Running"
    assert {"name": "body", "trigger": "HttpTrigger", "route": "body", "methods": ["POST"]} in status[
        "functions"
    ]
    assert host.request("GET", "/admin/host/ping").status_code == 200
    assert host.request("GET", "/admin/functions/BODY").json()["name"] == "body"
    assert host.request("POST", "/admin/functions/body", json={"input": "x"}).status_code == 400
    assert host.request("POST", "/admin/functions/none-such", json={"input": ""}).status_code == 404
    assert "stand-in" in host.request("GET", "/").text


def test_asgi_apps_are_served(make_host: MakeHost) -> None:
    host = make_host("")
    host.write_app(
        """
import azure.functions as func
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

page = Starlette(routes=[Route("/api/{rest:path}", lambda request: PlainTextResponse(request.url.path))])
app = func.AsgiFunctionApp(app=page, http_auth_level=func.AuthLevel.ANONYMOUS)
"""
    )
    host.environment = {}
    answer = host.start().request("GET", "/api/some/where")
    assert (answer.status_code, answer.text) == (200, "/api/some/where")


def test_threads_are_limited_by_the_setting(make_host: MakeHost) -> None:
    host = make_host(
        """
        import threading, time
        running = []
        @app.route(route="slow")
        def slow(req: func.HttpRequest) -> str:
            running.append(1)
            most = len(running)
            time.sleep(0.2)
            running.pop()
            return str(most)
        """
    )
    host.environment = {"PYTHON_THREADPOOL_THREAD_COUNT": "2"}
    host.start()
    with ThreadPoolExecutor(6) as pool:
        seen = list(pool.map(lambda _: host.request("GET", "/api/slow").text, range(6)))
    assert max(seen) == "2"
