"""Shares: create, delete, properties, metadata, access policies, statistics, permissions."""

import json
import shutil
import uuid
from dataclasses import replace
from xml.etree.ElementTree import Element, SubElement

from local.files import leases, properties, sas, wire, xmltext
from local.files.errors import FilesError
from local.files.records import SHARE, Record
from local.files.state import Answer, Call, Emulator, xml
from local.files.targets import Target
from local.files.tree import Entry

DEFAULT_QUOTA = "5120"
DEFAULT_TIER = "TransactionOptimized"
_MOST_QUOTA = 262144
_MOST_POLICIES = 5
#: Settings of a share that are kept and returned and have no other effect here.
_KEPT = (
    "x-ms-access-tier",
    "x-ms-enabled-protocols",
    "x-ms-root-squash",
    "x-ms-enable-snapshot-virtual-directory-access",
    "x-ms-share-paid-bursting-enabled",
    "x-ms-share-paid-bursting-max-iops",
    "x-ms-share-paid-bursting-max-bandwidth-mibps",
    "x-ms-share-provisioned-iops",
    "x-ms-share-provisioned-bandwidth-mibps",
    "x-ms-enable-smb-directory-lease",
)


def look(emulator: Emulator, target: Target) -> tuple[Entry, Record]:
    """The share of `target` and the share's own record (that of its root directory is another one)."""
    entry = emulator.tree.share(target.share)
    return entry, emulator.records.get(target.share, SHARE, entry.inode)


def store(call: Call, record: Record) -> dict[str, str]:
    """Keeps a share's record; ETag and Last-Modified as they are now."""
    entry = call.emulator.tree.share(call.target.share)
    properties.touch(entry.where, entry, None)
    kept = call.emulator.records.put(call.target.share, SHARE, entry.inode, record)
    return properties.stamp(call.emulator.tree.share(call.target.share), kept)


def create(call: Call) -> Answer:
    with call.emulator.locks.hold(call.target):
        record = Record(metadata=wire.metadata(call.headers), share=_settings(call, {}))
        try:
            (call.emulator.tree.root / call.target.share).mkdir()
        except FileExistsError as error:
            raise FilesError(
                "ShareAlreadyExists", f"the share {call.target.share!r} exists already"
            ) from error
        call.emulator.records.drop_share(call.target.share)
        headers = store(call, record)
    return Answer(201, {**headers, "x-ms-share-quota": record.share["x-ms-share-quota"]})


def get_properties(call: Call) -> Answer:
    entry, record = look(call.emulator, call.target)
    leases.check_read(record.lease, call.lease_id, call.seconds)
    headers = {
        "x-ms-share-quota": DEFAULT_QUOTA,
        "x-ms-access-tier": DEFAULT_TIER,
        "x-ms-enabled-protocols": "SMB",
        **record.share,
        **properties.stamp(entry, record),
        **properties.lease_headers(record.lease, call.seconds, call.knows_share_leases),
        **wire.metadata_headers(record.metadata),
    }
    return Answer(200, headers)


def delete(call: Call) -> Answer:
    """Delete Share: gone at once, whatever it holds."""
    with call.emulator.locks.hold(call.target):
        _writable(call)
        where = call.emulator.tree.root / call.target.share
        if where.is_symlink():  # somebody else's directory: only the share is removed
            where.unlink()
        else:
            grave = call.emulator.tree.draft(uuid.uuid4().hex)
            where.rename(grave)
            shutil.rmtree(grave, ignore_errors=True)
        call.emulator.records.drop_share(call.target.share)
        call.emulator.records.forget("acl", call.target.share)
    return Answer(202)


def set_properties(call: Call) -> Answer:
    with call.emulator.locks.hold(call.target):
        _, record = _writable(call)
        return Answer(200, store(call, replace(record, share=_settings(call, record.share))))


def set_metadata(call: Call) -> Answer:
    with call.emulator.locks.hold(call.target):
        _, record = _writable(call)
        return Answer(200, store(call, replace(record, metadata=wire.metadata(call.headers))))


def statistics(call: Call) -> Answer:
    entry, record = look(call.emulator, call.target)
    root = Element("ShareStats")
    xmltext.add(root, "ShareUsageBytes", call.emulator.tree.usage(call.target.share))
    return xml(xmltext.document(root), properties.stamp(entry, record))


def get_acl(call: Call) -> Answer:
    entry, record = look(call.emulator, call.target)
    kept = call.emulator.records.text("acl", call.target.share)
    return xml(
        kept.encode("utf-8") if kept else _acl(Element("SignedIdentifiers")), properties.stamp(entry, record)
    )


def set_acl(call: Call) -> Answer:
    given = xmltext.parse(call.body, "SignedIdentifiers") if call.body else Element("SignedIdentifiers")
    if len(given) > _MOST_POLICIES:
        raise FilesError("InvalidXmlDocument", f"a share has at most {_MOST_POLICIES} stored access policies")
    with call.emulator.locks.hold(call.target):
        _, record = _writable(call)
        call.emulator.records.keep("acl", call.target.share, _acl(given).decode("utf-8"))
        return Answer(200, store(call, record))


def policy(emulator: Emulator, share: str, name: str) -> sas.Policy | None:
    """The stored access policy `name` of a share, or None."""
    kept = emulator.records.text("acl", share)
    for identifier in xmltext.parse(kept.encode("utf-8"), "SignedIdentifiers") if kept else ():
        if identifier.findtext("Id") == name:
            fields = (
                identifier.findtext(f"AccessPolicy/{tag}") or "" for tag in ("Permission", "Start", "Expiry")
            )
            return sas.Policy(*fields)
    return None


def create_permission(call: Call) -> Answer:
    try:
        permission = str(json.loads(call.body)["permission"])
    except (ValueError, KeyError, TypeError) as error:
        raise FilesError(
            "InvalidInput", 'the body must be {"permission": "<security descriptor>"}'
        ) from error
    call.emulator.tree.share(call.target.share)
    return Answer(201, {"x-ms-file-permission-key": properties.keep_permission(call, permission)})


def get_permission(call: Call) -> Answer:
    call.emulator.tree.share(call.target.share)
    permission = properties.find_permission(call, call.headers.get("x-ms-file-permission-key", ""))
    if permission is None:
        raise FilesError("ResourceNotFound", "the share has no permission with this key")
    body = json.dumps({"permission": permission}).encode("utf-8")
    return Answer(200, {"Content-Type": "application/json"}, body)


def _writable(call: Call) -> tuple[Entry, Record]:
    entry, record = look(call.emulator, call.target)
    properties.check_writer(call, entry, record)
    return entry, record


def _settings(call: Call, before: dict[str, str]) -> dict[str, str]:
    settings = {"x-ms-share-quota": DEFAULT_QUOTA, **before}
    if "x-ms-share-quota" in call.headers:
        settings["x-ms-share-quota"] = str(wire.number(call.headers, "x-ms-share-quota", 1, _MOST_QUOTA))
    return settings | {name: call.headers[name] for name in _KEPT if name in call.headers}


def _acl(root: Element) -> bytes:
    """The policies in the form the service answers with: only elements it knows."""
    answer = Element("SignedIdentifiers")
    for identifier in root.iter("SignedIdentifier"):
        element = SubElement(answer, "SignedIdentifier")
        xmltext.add(element, "Id", identifier.findtext("Id") or "")
        policy = SubElement(element, "AccessPolicy")
        for tag in ("Start", "Expiry", "Permission"):
            if text := identifier.findtext(f"AccessPolicy/{tag}"):
                xmltext.add(policy, tag, text)
    return xmltext.document(answer)
