"""A plain connection before the mount: tools and kernels try for minutes before they say "refused"."""

import socket
from urllib.parse import urlsplit
from urllib.request import getproxies

from runner.mounts.hints import mount_error
from runner.mounts.types import Volume

_CONNECT_SECONDS = 10.0


def check_service(volume: Volume) -> None:
    """The storage account's HTTP(S) port. With a proxy in between there is nothing to check."""
    url = urlsplit(volume.service_url)
    if url.scheme not in getproxies():
        check(volume, url.hostname or "", url.port or (80 if url.scheme == "http" else 443))


def check(volume: Volume, host: str, port: int) -> None:
    """Raises MountError where nothing accepts connections at host:port within some seconds."""
    try:
        socket.create_connection((host, port), _CONNECT_SECONDS).close()
    except (OSError, UnicodeError) as error:  # UnicodeError: a host name that cannot be one
        words = f"{host}:{port}: {error}"
        raise mount_error(volume, f"{volume} cannot be reached at {words}.", words, port) from None
