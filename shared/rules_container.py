"""Rules over containerSettings. PURE."""

import re

from shared import image_names
from shared.findings import Finding, Findings, warning
from shared.raw import Raw
from shared.rules_secrets import one_of, reference_rules

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
    host = image_names.host_of(server)
    if host and not re.fullmatch(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?", host):
        yield Finding(registry.at("serverUrl"), "serverUrl is not a registry.", "Write its login server.")
    elif host and image and not image.startswith(f"{host}/"):
        meant = image_names.full_name(image, server)
        taken = f"it is taken as {meant}" if meant != image else "it is not taken from there"
        told = f"image does not begin with {host}/: {taken}."
        yield warning(registry.at("image"), told, f"Write {host}/<image>.")
