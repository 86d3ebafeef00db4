"""TCP port 445 of the data account's file host, which many networks close."""

import ipaddress
import socket
from urllib.parse import urlsplit

from runner.config import RunnerConfig
from runner.doctor.types import Check, failed, not_checked, ok
from shared.settings import Settings

_NAME = "port 445"
_PORT, _SECONDS = 445, 3.0


def smb(settings: Settings, config: RunnerConfig) -> list[Check]:
    """Whether file shares of the data account can be mounted by SMB, as far as the network goes."""
    account = settings.data_account
    if not account:
        mend = "export AZURE_BATCHAI_STORAGE_ACCOUNT=..."
        return [not_checked(_NAME, "no data account is set", mend)]
    endpoint = settings.endpoints[account].file if account in settings.endpoints else ""
    host = config.smb_hosts.get(account) or public_host(account, endpoint)
    if not host:
        return [not_checked(_NAME, f"the file service of {account} is a local one: no SMB there")]
    return [_reach(host)]


def public_host(account: str, endpoint: str) -> str:
    """The host that serves the account's shares; "" where `endpoint` is an emulator's."""
    if not endpoint:
        return f"{account}.file.core.windows.net"
    url = urlsplit(endpoint)
    host = url.hostname or ""
    if url.path.strip("/") or "." not in host:
        return ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host
    return ""


def _reach(host: str) -> Check:
    try:
        socket.create_connection((host, _PORT), _SECONDS).close()
    except (OSError, UnicodeError) as error:
        mend = (
            f"nc -zvw3 {host} {_PORT}    (allow it outbound, or use a private endpoint and "
            "BATCHAI_SMB_HOSTS; without it shares are mounted with rclone over HTTPS)"
        )
        return failed(_NAME, f"{host}:{_PORT} cannot be reached: {error}", mend)
    return ok(_NAME, f"{host}:{_PORT} answers")
