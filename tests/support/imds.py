"""The instance metadata service of a VM, as far as tokens and its name go: `python imds.py LOG`.

LOG gets a line for each request: its path and its User-Agent.
For tests only, in a network namespace of its own: it takes the address 169.254.169.254.
"""

import base64
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

TENANT = "ddbe463a-0554-485d-b589-0b17d60cd38b"
OWNER = "11111111-1111-1111-1111-111111111111"
NAME = "vm-of-tests"  #: of the machine


def token(resource: str, client: str) -> dict[str, str]:
    """The answer of the service: a token that says what Azurite looks at, signed by nobody."""
    now = int(time.time())
    claims: dict[str, object] = {
        "aud": resource.rstrip("/"), "iss": f"https://sts.windows.net/{TENANT}/", "tid": TENANT, "oid": OWNER,
        "appid": client, "iat": now - 60, "nbf": now - 60, "exp": now + 3600,
    }  # fmt: skip
    text = f"{_part({'alg': 'RS256', 'typ': 'JWT'})}.{_part(claims)}.c2ln"
    lasts = {"expires_in": "3600", "expires_on": str(now + 3600)}
    return {"access_token": text, "resource": resource, "token_type": "Bearer"} | lasts


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


class _Answer(BaseHTTPRequestHandler):
    log = Path()

    def log_message(self, format: str, *arguments: object) -> None:
        with self.log.open("a") as file:
            file.write(f"{self.path} {self.headers.get('User-Agent', '')}\n")

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        status, body = 200, {"Events": ""}
        if self.headers.get("Metadata", "").lower() != "true":
            status, body = 400, {"error": "invalid_request"}
        elif url.path == "/metadata/identity/oauth2/token":
            body = token(query.get("resource", ""), query.get("client_id", ""))
        named = status == 200 and url.path == "/metadata/instance/compute/name"
        data = NAME.encode() if named else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if named else "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


if __name__ == "__main__":
    _Answer.log = Path(sys.argv[1])
    ThreadingHTTPServer(("169.254.169.254", 80), _Answer).serve_forever()
