"""Connections of urllib3 whose answers' headers are not read as mail.

http.client gives the headers of every answer to the parser of mail. That looks for the parts of a body which
is not there, for each answer to a table transaction by a regular expression that it makes anew: a tenth of
what a small job costs the runner. Headers are lines with a name, a colon and a value (RFC 9112), which the
reader of lines in http.client, with its limits, has separated already.
"""

import email.parser
import http.client
import types
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection


def headers_of(lines: list[bytes]) -> http.client.HTTPMessage:
    """The headers in `lines`, the last of which is empty; as the parser of mail reads them, which is asked
    where one is anything but a name and a value."""
    made = http.client.HTTPMessage()
    for line in lines[:-1]:
        name, colon, value = line.decode("iso-8859-1").partition(":")
        if not colon or not name or name[0] in " \t" or not name.isascii() or " " in name:
            text = b"".join(lines).decode("iso-8859-1")
            return email.parser.Parser(_class=http.client.HTTPMessage).parsestr(text)
        made.set_raw(name, value.strip(" \t\r\n"))
    return made


def _read(file: Any, _class: Any = None) -> http.client.HTTPMessage:
    # Its limits on lines and on their number raise what urllib3 expects.
    lines: list[bytes] = http.client._read_headers(file)  # type: ignore[attr-defined]
    return headers_of(lines)


class _Response(http.client.HTTPResponse):
    """As http.client's, word for word, but for who reads the headers."""

    begin = types.FunctionType(
        http.client.HTTPResponse.begin.__code__, {**vars(http.client), "parse_headers": _read}, "begin"
    )


class _Connection(HTTPConnection):
    response_class = _Response


class _SecureConnection(HTTPSConnection):
    response_class = _Response


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


#: What pools are made of, by scheme.
POOLS: dict[str, type[HTTPConnectionPool]] = {"http": _Pool, "https": _SecurePool}
