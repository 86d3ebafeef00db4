"""Who submits over HTTP, as far as a request shows."""

import base64
import json

import azure.functions as func
import pytest

from api.submitters import submitter
from tests.support.cases import cases


def request(claims: dict[str, str] | None = None, code: str = "", **headers: str) -> func.HttpRequest:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    if claims is not None:
        reported = {"claims": [{"typ": kind, "val": value} for kind, value in claims.items()]}
        given["X-MS-CLIENT-PRINCIPAL"] = base64.b64encode(json.dumps(reported).encode()).decode()
    params = {"code": code} if code else {}
    return func.HttpRequest("PUT", "http://app/x", headers=given, params=params, body=b"")


@cases(
    ("sent", "who"),
    [
        (request({}, X_MS_CLIENT_PRINCIPAL_NAME="ann@contoso.com"), "ann@contoso.com"),
        (request({"appid": "a"}, X_MS_CLIENT_PRINCIPAL_ID="9f1c"), "9f1c"),
        (request({"roles": "r", "preferred_username": "ann@contoso.com"}), "ann@contoso.com"),
        (request({"appid": "0b1d"}), "0b1d"),
        (request({"roles": "BatchAI.Submitter"}), "unknown"),
        (request({}, X_MS_CLIENT_PRINCIPAL_NAME=" a\nb" + "x" * 300), "ab" + "x" * 198),
        (request({}, X_MS_CLIENT_PRINCIPAL_NAME="\n", X_MS_CLIENT_PRINCIPAL_ID="9f1c"), "9f1c"),
        (request(), "unknown"),
    ],
)
def test_who_is_signed_in_is_reported_by_app_service(sent: func.HttpRequest, who: str) -> None:
    assert submitter(sent, signed_in=True) == who


def test_where_nobody_is_signed_in_headers_of_the_platform_count_for_nothing() -> None:
    forged = request({"preferred_username": "boss"}, X_MS_CLIENT_PRINCIPAL_NAME="boss")
    assert submitter(forged, signed_in=False) == "anonymous"


@pytest.mark.parametrize("sent", [request(code="s3cret"), request(X_FUNCTIONS_KEY="s3cret")])
def test_of_a_key_is_reported_that_there_was_one(sent: func.HttpRequest) -> None:
    assert submitter(sent, signed_in=False) == "function key"
