"""Addresses of storage accounts' services in Azure's clouds. PURE."""

import re

#: The public cloud's domain of storage; every other cloud has one of its own.
PUBLIC_SUFFIX = "core.windows.net"


def service_url(account: str, service: str, suffix: str = "") -> str:
    """The address of an account's service ("blob", "file", "queue", "table") where nothing else is known of
    it; no slash at its end. `suffix` "": the public cloud's."""
    return f"https://{account}.{service}.{suffix or PUBLIC_SUFFIX}"


def storage_suffix(connection_string: str, blob_url: str) -> str:
    """The domain of a cloud's storage, as the state's account names it: by its connection string, or by the
    address of its blobs (private endpoints and emulators name none: the public cloud's)."""
    if found := re.search(r"(?i)(?:^|;)EndpointSuffix=([A-Za-z0-9.-]+)", connection_string):
        return found[1].lower()
    found = re.fullmatch(
        r"https://[a-z0-9-]+\.blob\.(core\.[a-z0-9.-]+)", blob_url.strip().rstrip("/").lower()
    )
    return found[1] if found else PUBLIC_SUFFIX
