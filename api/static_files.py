"""Finding one built file of the console, in the form that a browser takes, with the headers it is sent with.

The files are Vite's output (console/, `make console`) in the folder api/console_files. Beside a file may lie
its compressed forms `<file>.br` and `<file>.gz`, made when it was built: nothing is compressed here.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FILES = Path(__file__).parent / "console_files"
INDEX = "index.html"
#: Names with the hash of their content: what is under one of them never changes.
_HASHED = "assets/"
#: A part of a path. No dot at its beginning, so neither `..` nor a hidden file; no slash of any kind.
_PART = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")
#: The SDK adds the charset of texts.
_TYPES = {
    "css": "text/css",
    "html": "text/html",
    "ico": "image/x-icon",
    "js": "text/javascript",
    "json": "application/json; charset=utf-8",
    "png": "image/png",
    "svg": "image/svg+xml",
    "txt": "text/plain",
    "webmanifest": "application/manifest+json",
    "woff2": "font/woff2",
}
#: Content-Encoding -> what a compressed form's name ends in; the smaller one first.
_FORMS = {"br": ".br", "gzip": ".gz"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
#: What every answer to a page of a browser is sent with: it loads nothing from elsewhere, runs no script that
#: stands in it, lies in no frame, and informs nobody where it was.
SAFE_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True)
class StaticFile:
    """What is sent: bytes, maybe compressed, and headers."""

    body: bytes
    kind: str  #: media type
    headers: Mapping[str, str]

    @property
    def etag(self) -> str:
        return self.headers["ETag"]


def find(path: str, accept_encoding: str = "", folder: Path = FILES) -> StaticFile | None:
    """The file at `path` below `folder`, "" is its index; None where there is none that may be sent.

    `accept_encoding`: the header of the request.
    """
    name = path or INDEX
    kind = _TYPES.get(name.rpartition(".")[2])
    if kind is None or not all(_PART.fullmatch(part) for part in name.split("/")):
        return None
    for encoding, ending in [*_accepted(accept_encoding), ("", "")]:
        body = _read(folder, name + ending)
        if body is not None:
            return StaticFile(body, kind, _headers(name, body, encoding))
    return None


def _read(folder: Path, name: str) -> bytes | None:
    found = folder / name
    try:
        # A link that leads out of the folder is none of its files.
        if not found.resolve().is_relative_to(folder.resolve()):
            return None
        return found.read_bytes()
    except OSError:
        return None


def _accepted(header: str) -> list[tuple[str, str]]:
    """(encoding, ending) of the compressed forms that a browser takes."""
    taken = set()
    for one in header.lower().split(","):
        word, *options = [part.strip() for part in one.split(";")]
        if not any(re.fullmatch(r"q=0(\.0{0,3})?", option) for option in options):
            taken.add(word)
    return [(encoding, ending) for encoding, ending in _FORMS.items() if encoding in taken]


def _headers(name: str, body: bytes, encoding: str) -> dict[str, str]:
    lasting = name.startswith(_HASHED)
    headers = SAFE_HEADERS | {
        "Cache-Control": "public, max-age=31536000, immutable" if lasting else "no-cache",
        "ETag": f'"{hashlib.sha256(body).hexdigest()[:32]}"',
        "Vary": "Accept-Encoding",
    }
    return headers | ({"Content-Encoding": encoding} if encoding else {})
