"""What is said with --debug holds no secret, and how much is said at all."""

import json
from collections.abc import Iterator

import httpx
import pytest
from pydantic import SecretStr

from cli import messages
from cli.faults import Fault
from cli.http import Api
from shared.documents.models import cluster, job, toolkits, volumes
from shared.documents.models.base import Model


@pytest.fixture(autouse=True)
def quiet_again() -> Iterator[None]:
    yield
    messages.set_loudness(False, False, False)


def secret_members() -> set[str]:
    """How every secret of the documents is written, but those of `secrets`, which has a rule of its own."""
    modules = (cluster, job, toolkits, volumes)
    models = [m for module in modules for m in vars(module).values() if isinstance(m, type)]
    fields = [f for m in models if issubclass(m, Model) for f in m.model_fields.items()]
    return {
        field.alias or name
        for name, field in fields
        if SecretStr in getattr(field.annotation, "__args__", ())
    }


def test_every_secret_member_of_a_document_is_hidden() -> None:
    members = secret_members() - {"value"}
    assert {"accountKey", "adminUserPassword", "instrumentationKey", "password"} <= members
    for member in members:
        assert messages.without_secrets({"a": [{member: "s3cr3t"}]}) == {"a": [{member: "***"}]}


def test_secrets_are_hidden_and_the_rest_is_shown() -> None:
    body = {
        "secrets": [{"name": "TOKEN", "value": "s3cr3t"}],
        "environmentVariables": [{"name": "N", "value": "1"}],
        "adminUserSshPublicKey": "ssh-rsa AAAA",
        "downloadUrl": "https://a.file.core.windows.net/logs/x?sv=1&sig=s3cr3t",
        "nodeCount": 2,
    }
    shown = messages.without_secrets(body)
    assert "s3cr3t" not in json.dumps(shown)
    assert shown["secrets"] == [{"name": "TOKEN", "value": "***"}]
    assert shown["environmentVariables"] == body["environmentVariables"]
    assert shown["adminUserSshPublicKey"] == "ssh-rsa AAAA" and shown["nodeCount"] == 2
    assert shown["downloadUrl"] == "https://a.file.core.windows.net/logs/x?***"


def test_a_request_with_debug(capsys: pytest.CaptureFixture[str]) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        headers = {"x-ms-request-id": "r-1"}
        return httpx.Response(200, json={"listing": "https://x/?code=s3cr3t"}, headers=headers)

    signed = {"x-functions-key": "s3cr3t", "authorization": "Bearer s3cr3t"}
    api = Api("https://app.example", lambda: signed, transport=httpx.MockTransport(answer))
    messages.set_loudness(False, True, False)
    api.put("/x", {"properties": {"password": "s3cr3t", "nodeCount": 1}})
    api.get("/x?code=s3cr3t")
    shown = capsys.readouterr()
    assert shown.out == "" and "s3cr3t" not in shown.err
    assert 'DEBUG: request body: {"properties": {"password": "***", "nodeCount": 1}}' in shown.err
    assert "DEBUG: request: GET https://app.example/x?code=***&api-version=2018-05-01" in shown.err
    assert "signed with: x-functions-key, authorization" in shown.err
    assert "DEBUG: answer: 200 in 0." in shown.err and "x-ms-request-id r-1" in shown.err


@pytest.mark.parametrize(
    ("options", "reported"),
    [
        ((False, False, False), "always\n"),
        ((True, False, False), "always\nINFO: more\n"),
        ((False, True, False), "always\nINFO: more\nDEBUG: all\n"),
        ((False, False, True), ""),
    ],
)
def test_how_much_is_said(
    capsys: pytest.CaptureFixture[str], options: tuple[bool, bool, bool], reported: str
) -> None:
    messages.set_loudness(*options)
    messages.say("always")
    messages.say_verbose("more")
    messages.say_debug("all")
    assert capsys.readouterr().err == reported


def test_more_and_less_at_once_is_refused() -> None:
    with pytest.raises(Fault, match="cannot be used together") as fault:
        messages.set_loudness(False, True, True)
    assert fault.value.exit_code == 2
