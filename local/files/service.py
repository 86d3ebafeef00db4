"""The account's file service: its shares, its properties."""

from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from local.files import bearer, properties, shares, xmltext
from local.files.errors import FilesError
from local.files.paging import Page, pack
from local.files.state import NEWEST_VERSION, Answer, Call, xml
from local.files.targets import Target

_DEFAULTS = b"""<StorageServiceProperties>
<HourMetrics><Version>1.0</Version><Enabled>false</Enabled>
<RetentionPolicy><Enabled>false</Enabled></RetentionPolicy></HourMetrics>
<MinuteMetrics><Version>1.0</Version><Enabled>false</Enabled>
<RetentionPolicy><Enabled>false</Enabled></RetentionPolicy></MinuteMetrics>
<Cors /><ProtocolSettings><SMB><Multichannel><Enabled>false</Enabled></Multichannel></SMB></ProtocolSettings>
</StorageServiceProperties>"""
_ROOT = "StorageServiceProperties"


def list_shares(call: Call) -> Answer:
    page = Page.of(call)
    root = xmltext.enumeration(call.endpoint, {}, page.given(call))
    found = SubElement(root, "Shares")
    names = list(page.of_names(call.emulator.tree.shares()))
    for name in names[: page.limit]:
        _add_share(found, call, name)
    xmltext.add(root, "NextMarker", pack(names[page.limit - 1]) if len(names) > page.limit else "")
    return xml(xmltext.document(root))


def _add_share(parent: Element, call: Call, name: str) -> None:
    entry, record = shares.look(call.emulator, Target(name, ""))
    element = SubElement(parent, "Share")
    xmltext.add(element, "Name", name)
    inner = SubElement(element, "Properties")
    stamp = properties.stamp(entry, record)
    xmltext.add_all(inner, {"Last-Modified": stamp["Last-Modified"], "Etag": stamp["ETag"]})
    xmltext.add(inner, "Quota", record.share.get("x-ms-share-quota", shares.DEFAULT_QUOTA))
    xmltext.add(inner, "AccessTier", record.share.get("x-ms-access-tier", shares.DEFAULT_TIER))
    if call.knows_share_leases:
        lease = properties.lease_headers(record.lease, call.seconds, known=True)
        xmltext.add_all(
            inner, {"LeaseStatus": lease["x-ms-lease-status"], "LeaseState": lease["x-ms-lease-state"]}
        )
    if "metadata" in call.include:
        xmltext.add_all(SubElement(element, "Metadata"), record.metadata)


def get_properties(call: Call) -> Answer:
    return xml(xmltext.document(_properties(call)))


def set_properties(call: Call) -> Answer:
    """Keeps and returns what is set; the emulator has neither metrics nor CORS nor SMB to act on it."""
    given = xmltext.parse(call.body, _ROOT)
    root = _properties(call)
    for child in given:
        for old in root.findall(child.tag):
            root.remove(old)
        root.append(child)
    call.emulator.records.keep("service", _ROOT, ElementTree.tostring(root, encoding="unicode"))
    return Answer(202)


def user_delegation_key(call: Call) -> Answer:
    """A key that signs links for as long as the request says; given to bearers of a token only."""
    if not call.claims:
        raise FilesError("AuthenticationFailed", "only a bearer token gets a user delegation key")
    given = xmltext.parse(call.body, "KeyInfo")
    fields = {
        "skoid": str(call.claims.get("oid", "")),
        "sktid": str(call.claims.get("tid", "")),
        "skt": given.findtext("Start", ""),
        "ske": given.findtext("Expiry", ""),
        "sks": "f",
        "skv": call.headers.get("x-ms-version", NEWEST_VERSION),
    }
    root = Element("UserDelegationKey")
    names = ("SignedOid", "SignedTid", "SignedStart", "SignedExpiry", "SignedService", "SignedVersion")
    xmltext.add_all(root, dict(zip(names, fields.values(), strict=True)))
    xmltext.add(root, "Value", bearer.delegation_key(call.emulator.key, fields))
    return xml(xmltext.document(root))


def _properties(call: Call) -> Element:
    kept = call.emulator.records.text("service", _ROOT)
    return xmltext.parse(kept.encode("utf-8") if kept else _DEFAULTS, _ROOT)
