"""The XML that is sent over the wire, both ways. PURE."""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from local.files.errors import FilesError

# What XML 1.0 cannot hold, plus carriage return, which parsers turn into a line feed.
_UNSAFE = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def document(root: Element) -> bytes:
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>{text}'.encode()


def parse(body: bytes, root: str) -> Element:
    """The document's root element, which must be called `root`. Raises FilesError(InvalidXmlDocument)."""
    try:
        # Document type definitions bring entity bombs; no client of this API sends one.
        if b"<!DOCTYPE" in body.replace(b"\0", b""):  # also in UTF-16
            raise FilesError("InvalidXmlDocument", "a document type definition is not allowed")
        found = ElementTree.fromstring(body)  # nosec B314 # no DTD gets here, so no entity either
    except ElementTree.ParseError as error:
        raise FilesError("InvalidXmlDocument", f"the body is not XML: {error}") from error
    if found.tag != root:
        raise FilesError("InvalidXmlDocument", f"the body must be <{root}>, not <{found.tag}>")
    return found


def add(parent: Element, tag: str, text: str | int = "") -> Element:
    child = SubElement(parent, tag)
    child.text = str(text)
    return child


def add_name(parent: Element, name: str) -> None:
    """A <Name>, percent-encoded and marked so where XML could not carry it."""
    unsafe = _UNSAFE.search(name) is not None
    child = add(parent, "Name", quote(name, safe="") if unsafe else name)
    if unsafe:
        child.set("Encoded", "true")


def add_all(parent: Element, values: Mapping[str, str | int]) -> None:
    for tag, text in values.items():
        add(parent, tag, text)


def error(code: str, message: str, request_id: str, time: str, detail: str = "") -> bytes:
    root = Element("Error")
    add(root, "Code", code)
    add(root, "Message", _UNSAFE.sub("?", f"{message}\nRequestId:{request_id}\nTime:{time}"))
    if detail:
        add(root, "AuthenticationErrorDetail", _UNSAFE.sub("?", detail))
    return document(root)


def enumeration(endpoint: str, attributes: Mapping[str, str], given: Iterable[tuple[str, str]]) -> Element:
    """<EnumerationResults> with what the request gave (prefix, marker, page size) repeated in it."""
    root = Element("EnumerationResults", {"ServiceEndpoint": endpoint, **attributes})
    for tag, text in given:
        if text or tag == "Prefix":
            add(root, tag, _UNSAFE.sub("?", text))
    return root
