"""List Directories and Files: one directory, sorted by name, in pages."""

from collections.abc import Iterator, Mapping
from xml.etree.ElementTree import Element, SubElement

from local.files import properties, wire, xmltext
from local.files.paging import Page, pack
from local.files.records import Record
from local.files.state import Answer, Call, xml
from local.files.targets import Target
from local.files.tree import DIRECTORY, FILE, Entry


def list_directory(call: Call) -> Answer:
    page = Page.of(call)
    here = call.emulator.tree.directory(call.target)
    root = xmltext.enumeration(
        call.endpoint,
        {"ShareName": call.target.share, "DirectoryPath": call.target.path},
        page.given(call),
    )
    entries = SubElement(root, "Entries")
    records = (
        call.emulator.records.children(call.target.share, call.target.path) if _wants_records(call) else {}
    )
    last, more = "", False
    for name, entry in _found(call, page, here):
        if len(entries) == page.limit:
            more = True
            break
        last = name
        _add(entries, call, name, entry, _record(records, _path(call, name), entry))
    xmltext.add(root, "NextMarker", pack(last) if more else "")
    if _extended(call):
        xmltext.add(root, "DirectoryId", here.inode)
    return xml(xmltext.document(root))


def _found(call: Call, page: Page, here: Entry) -> Iterator[tuple[str, Entry]]:
    """Names and what they are; without pipes and the like, and without links that lead out of the share."""
    for name in page.of_names(call.emulator.tree.children(call.target)):
        entry = call.emulator.tree.child(here, Target(call.target.share, _path(call, name)))
        if entry is not None:
            yield name, entry


def _path(call: Call, name: str) -> str:
    return f"{call.target.path}/{name}" if call.target.path else name


def _add(parent: Element, call: Call, name: str, entry: Entry, record: Record) -> None:
    element = SubElement(parent, "Directory" if entry.kind == DIRECTORY else "File")
    xmltext.add_name(element, name)
    if _extended(call):
        xmltext.add(element, "FileId", entry.inode)
    inner = SubElement(element, "Properties")
    if entry.kind == FILE:
        xmltext.add(inner, "Content-Length", entry.size)
    if "timestamps" in call.include:
        xmltext.add_all(inner, _times(entry, record))
    if "etag" in call.include:
        xmltext.add(inner, "Etag", entry.etag(record.version))
    if "attributes" in call.include:
        xmltext.add(element, "Attributes", properties.attributes(entry, record))
    if "permissionkey" in call.include:
        xmltext.add(element, "PermissionKey", properties.permission_key(record))


def _times(entry: Entry, record: Record) -> dict[str, str]:
    return {
        "CreationTime": properties.created(entry, record),
        "LastAccessTime": wire.file_time(entry.accessed),
        "LastWriteTime": wire.file_time(entry.written),
        "ChangeTime": wire.file_time(entry.changed),
        "Last-Modified": wire.http_date(entry.changed),
    }


def _record(records: Mapping[str, tuple[int, Record]], path: str, entry: Entry) -> Record:
    inode, record = records.get(path, (0, Record()))
    return record if inode == entry.inode else Record()


def _wants_records(call: Call) -> bool:
    return bool(call.include & {"timestamps", "etag", "attributes", "permissionkey"})


def _extended(call: Call) -> bool:
    return bool(call.include) or call.flag("x-ms-file-extended-info")
