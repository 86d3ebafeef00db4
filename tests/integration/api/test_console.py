"""The console's files and first questions under the real function app."""

import socket
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from api.static_files import SAFE_HEADERS
from tests.support.needs import need
from tests.support.rest_api import VERSION, RestApi

PROJECT = Path(__file__).parents[3]
FILES = PROJECT / "api" / "console_files"


@pytest.fixture(scope="module")
def built() -> None:
    if not (FILES / "index.html").is_file():
        need("the console is not built: make console")


def get(api: RestApi, path: str, **headers: str) -> httpx.Response:
    return httpx.get(api.url + path, headers=headers, follow_redirects=False)


@pytest.mark.usefixtures("built")
class TestBuilt:
    def test_the_root_leads_to_the_page(self, api: RestApi) -> None:
        for path in ("/", "/console"):
            answer = get(api, path)
            assert (answer.status_code, answer.headers["location"]) == (302, "/console/")
        page = get(api, "/console/")
        assert page.status_code == 200 and page.text.lower().startswith("<!doctype html>")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        for name, value in SAFE_HEADERS.items():
            assert page.headers[name] == value

    def test_what_a_browser_has_is_not_sent_again(self, api: RestApi) -> None:
        first = get(api, "/console/")
        again = get(api, "/console/", **{"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        assert get(api, "/console/", **{"If-None-Match": '"other"'}).status_code == 200

    def test_hashed_files_are_kept_for_good(self, api: RestApi) -> None:
        name = next(path.name for path in (FILES / "assets").iterdir() if path.suffix == ".js")
        answer = get(api, f"/console/assets/{name}")
        assert answer.status_code == 200 and "immutable" in answer.headers["cache-control"]

    @pytest.mark.parametrize(
        "path",
        [
            "/console/../function_app.py", "/console/%2e%2e/%2e%2e/host.json", "/console/..%2f..%2fhost.json",
            "/console/..%5c..%5chost.json", "/console//etc/passwd", "/console/%00",
            "/console/index.html%00.js",
            "/console/.../x.js", "/console/none.js", "/console/assets/",
        ],
    )  # fmt: skip
    def test_no_path_leads_out_of_the_folder(self, api: RestApi, path: str) -> None:
        """Sent as it stands: a client's library would tidy it."""
        place = urlsplit(api.url)
        with socket.create_connection((place.hostname or "", place.port or 0)) as wire:
            wire.sendall(f"GET {path} HTTP/1.1\r\nHost: {place.netloc}\r\nConnection: close\r\n\r\n".encode())
            answer = b"".join(iter(lambda: wire.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 404"), answer[:200]

    def test_a_page_under_a_name_that_somebody_points_here_gets_nothing(self, api: RestApi) -> None:
        """DNS rebinding: a page of evil.example would read files and data alike."""
        root = "/subscriptions/x/resourceGroups/y/providers/Microsoft.BatchAI/workspaces"
        for path in ("/", "/console/", "/console/config.json", f"{root}?api-version={VERSION}"):
            assert get(api, path, Host="evil.example").status_code == 421, path

    def test_no_answer_may_be_read_by_a_page_of_elsewhere(self, api: RestApi) -> None:
        for path in ("/console/", "/console/config.json", "/health"):
            answer = get(api, path, Origin="https://evil.example")
            assert not [name for name in answer.headers if name.startswith("access-control-")], path


def test_a_page_that_was_not_built_says_what_to_do(api: RestApi) -> None:
    if (FILES / "index.html").exists():
        pytest.skip("the console is built here")
    answer = get(api, "/console/")
    assert answer.status_code == 404 and "make console" in answer.text
    assert answer.headers["content-security-policy"] == SAFE_HEADERS["Content-Security-Policy"]
    assert get(api, "/console/x.js").json()["error"]["code"] == "InvalidResourceType"


def test_what_the_page_must_know_first(api: RestApi) -> None:
    answer = get(api, "/console/config.json")
    scope = api.backend.settings.scope
    assert answer.json() | {"version": ""} == {
        "version": "",
        "subscriptionId": scope.subscription_id,
        "resourceGroup": scope.resource_group,
        "workspace": "default",
        "signIn": "none",
    }
    assert answer.headers["cache-control"] == "no-cache"


def test_where_nobody_signs_in_everybody_may_everything(api: RestApi) -> None:
    may = {"read": True, "submit": True, "contribute": True}
    session = "/providers/Microsoft.BatchAI/session"
    assert api.must("GET", session) == {"name": None, "may": may}
    keyed = api.http.get(
        api.url + session, params={"api-version": "1"}, headers={"x-functions-key": "s3cret"}
    )
    assert keyed.json() == {"name": "function key", "may": may} and "s3cret" not in keyed.text


def test_what_is_secret_is_not_in_the_configuration(api: RestApi) -> None:
    text = get(api, "/console/config.json").text
    for secret in (api.key, api.environment["BATCHAI_SEALING_KEYS"], "AccountKey"):
        assert secret not in text
