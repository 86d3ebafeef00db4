"""Names of container images, as docker reads them. PURE."""

#: Docker Hub under its names.
HUB = ("docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com", "hub.docker.com")


def host_of(server_url: str) -> str:
    """The registry's host and port in a serverUrl, whose scheme and path say nothing to docker; "" for the
    Docker Hub."""
    host = server_url.rpartition("://")[2].partition("/")[0]
    return "" if host in HUB else host


def registry_of(image: str) -> str:
    """The registry that an image's name itself says, or "": the first part is a host if it has a dot or a
    port in it, or is localhost."""
    first, slash, _ = image.partition("/")
    return first if slash and (first == "localhost" or "." in first or ":" in first) else ""


def full_name(image: str, server_url: str) -> str:
    """The name to pull: one that says no registry is taken from that of serverUrl."""
    host = host_of(server_url)
    return f"{host}/{image}" if host and not registry_of(image) else image


def may_move(image: str) -> bool:
    """Whether the name is meant to mean another image tomorrow: no digest, and no tag but `latest`."""
    if "@" in image:
        return False
    _, colon, tag = image.rpartition("/")[2].partition(":")
    return not colon or tag == "latest"
