"""Several hosts of the internet by HTTPS on 127.0.0.1:443: `python served_hosts.py FOLDER`.

FOLDER/www/HOST/PATH is what is served; cert.pem and key.pem lie beside www. A storage account's containers
want a token for storage, as that of imds.py, and the version header that belongs to one. For tests only, in a
network namespace of its own.
"""

import base64
import json
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit


class _Answer(BaseHTTPRequestHandler):
    www = Path()

    def do_GET(self) -> None:
        host = self.headers.get("Host", "").partition(":")[0]
        file = self.www / host / unquote(urlsplit(self.path).path).lstrip("/")
        if ".blob." in host and not self._may_read_blobs():
            self._send(401, b"")
        elif file.is_file() and file.resolve().is_relative_to(self.www):
            self._send(200, file.read_bytes())
        else:
            self._send(404, b"")

    def _may_read_blobs(self) -> bool:
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        parts = token.split(".")
        if scheme != "Bearer" or len(parts) != 3 or not self.headers.get("x-ms-version"):
            return False
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return bool(claims["aud"] == "https://storage.azure.com")

    def _send(self, status: int, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing is said."""


if __name__ == "__main__":
    folder = Path(sys.argv[1]).resolve()
    _Answer.www = folder / "www"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    server = ThreadingHTTPServer(("127.0.0.1", 443), _Answer)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()
