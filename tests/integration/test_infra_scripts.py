"""What a VM of a pool is given and runs: cloud-init's own schema, shellcheck, and fetching a package."""

import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
_SHELLS = (b"#!/usr/bin/env bash", b"#!/usr/bin/env sh", b"#!/bin/bash", b"#!/bin/sh")
SCRIPTS = [
    file
    for file in (
        *sorted(PROJECT.glob("scripts/*")),
        PROJECT / "infra" / "fetch-runner",
        PROJECT / ".ci" / "run",
        *sorted(PROJECT.glob("tests/support/*.sh")),
    )
    if file.is_file() and file.read_bytes().startswith(_SHELLS)
]


def test_cloud_init_takes_the_file() -> None:
    if shutil.which("cloud-init") is None:
        if os.environ.get("CI"):
            pytest.fail("cloud-init is not installed: scripts/setup-machine")
        pytest.skip("cloud-init is not installed: scripts/setup-machine")
    command = ["cloud-init", "schema", "--config-file", str(PROJECT / "infra" / "cloud-init.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Valid" in done.stdout


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda file: file.name)
def test_shellcheck_finds_nothing(script: Path) -> None:
    shellcheck = Path(sys.executable).parent / "shellcheck"
    done = subprocess.run([str(shellcheck), str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


class Azure(http.server.BaseHTTPRequestHandler):
    """The metadata endpoint and a container, which wants the token; the first request is one too early."""

    published: dict[str, bytes] = {}  # noqa: RUF012
    refusals = 1
    client_ids: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if path == "/metadata/identity/oauth2/token":
            Azure.client_ids.append(query.partition("client_id=")[2])
            self._answer(200, json.dumps({"access_token": "t0ken"}).encode())
        elif self.headers["Authorization"] != "Bearer t0ken" or Azure.refusals:
            Azure.refusals = max(0, Azure.refusals - 1)
            self._answer(403, b"")
        else:
            name = path.removeprefix("/packages/")
            found = Azure.published.get(name)
            self._answer(200 if found is not None else 404, found or b"")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is said."""


@pytest.fixture
def azure() -> Iterator[str]:
    Azure.refusals, Azure.client_ids = 1, []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Azure) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def fetched(azure: str, folder: Path) -> subprocess.CompletedProcess[str]:
    message = folder / "fetch.env"
    message.write_text(f"PACKAGES={azure}/packages\nCLIENT_ID=of-the-runners\n", "utf-8")
    env = {
        "PATH": os.environ["PATH"],
        "BATCHAI_FETCH_ENV": str(message),
        "BATCHAI_PACKAGES": str(folder / "packages"),
        "BATCHAI_IMDS": azure,
        "BATCHAI_FETCH_TRIES": "3",
        "BATCHAI_FETCH_PAUSE": "0.1",
    }
    command = [str(PROJECT / "infra" / "fetch-runner")]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)


def test_a_published_package_is_fetched_by_identity_and_installed(azure: str, tmp_path: Path) -> None:
    wheel = "batchai_serverless-0.1.0-py3-none-any.whl"
    Azure.published = {
        "current": wheel.encode() + b"\n",
        wheel: b"wheel",
        "constraints.txt": b"pins",
        "install-runner": b'printf "%s " "$@"\n',
    }
    done = fetched(azure, tmp_path)
    assert done.returncode == 0, done.stderr
    packages = tmp_path / "packages"
    given = ["--wheel", f"{packages}/{wheel}", "--constraints", f"{packages}/constraints.txt"]
    assert done.stdout.split() == [*given, "--env-file", "/etc/batchai/runner.env"]
    assert (packages / wheel).read_bytes() == b"wheel"
    assert set(Azure.client_ids) == {"of-the-runners"}


def test_a_package_that_is_not_there_is_reported(azure: str, tmp_path: Path) -> None:
    Azure.published = {}
    done = fetched(azure, tmp_path)
    assert done.returncode == 1
    assert "scripts/publish-runner" in done.stderr and "Storage Blob Data Reader" in done.stderr


def test_a_name_that_is_no_wheel_is_refused(azure: str, tmp_path: Path) -> None:
    Azure.published = {"current": b"../../etc/passwd"}
    done = fetched(azure, tmp_path)
    assert done.returncode == 1
    assert "is no wheel of the runner" in done.stderr
