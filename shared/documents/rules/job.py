"""Rules over containerSettings. PURE."""

import re

from shared.documents.findings import Finding, Findings, Raw, note, warning
from shared.documents.rules.secrets import one_of, reference_rules
from shared.names import images
from shared.names.ids import NAME_PATTERN, NAME_RULE, cluster_from_arm_id
from shared.times import is_dot_net, iso_duration, parse_duration

#: Reference of an image: [registry[:port]/]name[/name...][:tag][@digest] (Docker's distribution/reference).
_IMAGE = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?/)?"
    r"[a-z0-9]+(?:[._/-]+[a-z0-9]+)*(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(?:@[a-z0-9]+:[0-9a-f]{32,128})?"
)
#: Docker's sizes (go-units RAMInBytes): a number and k, m, g, t or p, with or without b or ib.
_SIZE = re.compile(r"[0-9]+(?:\.[0-9]+)? ?(?:[kmgtp]i?)?b?", re.IGNORECASE)
_MOST_IMAGE_CHARACTERS = 500


def container_rules(job: Raw) -> Findings:
    """Image, registry, login and the size of /dev/shm."""
    settings = job.child("containerSettings")
    registry = settings.child("imageSourceRegistry")
    yield from _image(registry)
    credentials = registry.child("credentials")
    if isinstance(registry.value.get("credentials"), dict):
        yield from one_of(credentials, "password", "passwordSecretReference")
        yield from reference_rules(credentials.child("passwordSecretReference"))
    size = settings.text("shmSize")
    if size is not None and not (_SIZE.fullmatch(size) and size.strip("0.") and size[0] in "0123456789"):
        yield Finding(settings.at("shmSize"), "shmSize is not a size as docker writes it.", 'Write "16gb".')


def _image(registry: Raw) -> Findings:
    image, server = registry.text("image"), registry.text("serverUrl")
    if image and (len(image) > _MOST_IMAGE_CHARACTERS or not _IMAGE.fullmatch(image)):
        hint = "Write it as docker pull takes it: [registry/]name[:tag]."
        yield Finding(registry.at("image"), "image is not the name of a container image.", hint)
    if not server:
        return
    host = images.host_of(server)
    if host and not re.fullmatch(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?", host):
        yield Finding(registry.at("serverUrl"), "serverUrl is not a registry.", "Write its login server.")
    elif host and image and not image.startswith(f"{host}/"):
        meant = images.full_name(image, server)
        taken = f"it is taken as {meant}" if meant != image else "it is not taken from there"
        message = f"image does not begin with {host}/: {taken}."
        yield warning(registry.at("image"), message, f"Write {host}/<image>.")


def cluster_rules(job: Raw) -> Findings:
    """cluster.id is the ARM id of a cluster or a cluster's name."""
    cluster = job.child("cluster")
    name = cluster.text("id")
    if not name:
        return
    found = cluster_from_arm_id(name)
    names = (found.workspace, found.cluster) if found else (name,)
    if not all(NAME_PATTERN.match(part) for part in names):
        hint = f"Write its name ({NAME_RULE}), or /subscriptions/.../workspaces/<workspace>/clusters/<name>."
        yield Finding(cluster.at("id"), "This is neither the ARM id of a cluster nor a cluster's name.", hint)


def duration_rules(job: Raw) -> Findings:
    """The .NET spelling in the original's documentation never worked with its own client; here it does."""
    constraints = job.child("constraints")
    text = constraints.text("maxWallClockTime")
    if text is None or not is_dot_net(text):
        return
    try:
        iso = iso_duration(parse_duration(text))
    except ValueError:
        return
    yield note(constraints.at("maxWallClockTime"), f"The duration was read as {iso}.", f'Write "{iso}".')
