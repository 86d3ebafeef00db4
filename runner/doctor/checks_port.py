"""TCP port 445 of the data account's file host, which many networks close."""

import ipaddress
import socket
from urllib.parse import urlsplit

from runner.config import RunnerConfig
from runner.doctor.check import Check, failed, not_checked, ok
from runner.doctor.checks_mounts import share_driver
from shared.environment.volume_addresses import endpoint_of
from shared.names.service_urls import service_url
from shared.settings import Settings

_NAME = "port 445"
_PORT, _SECONDS = 445, 3.0


def smb(settings: Settings, config: RunnerConfig) -> list[Check]:
    """Whether file shares of the data account can be mounted by SMB, as far as the network is concerned."""
    account = settings.data_account
    if not account:
        mend = "export AZURE_BATCHAI_STORAGE_ACCOUNT=..."
        return [not_checked(_NAME, "no data account is set", mend)]
    endpoint = endpoint_of(account, "file", settings)
    host = config.smb_hosts.get(account) or public_host(account, endpoint)
    if not host:
        return [not_checked(_NAME, f"the file service of {account} is a local one: no SMB there")]
    return [verdict(host, _fault(host), share_driver(settings, config))]


def verdict(host: str, fault: str, driver: str) -> Check:
    """`fault`: why the port cannot be reached, "" where it can; `driver`: what shares are mounted with."""
    if not fault:
        return ok(_NAME, f"{host}:{_PORT} answers")
    words = f"{host}:{_PORT} cannot be reached: {fault}"
    if driver not in ("cifs", ""):
        return not_checked(_NAME, f"{words}; not needed, shares are mounted with {driver}")
    # The runner takes cifs where its tools are there, and the job fails: rclone has to be asked for.
    drivers = '{"azureFileShare": "premounted rclone"}'
    mend = f"export BATCHAI_DRIVERS='{drivers}'  # HTTPS instead; or allow TCP {_PORT} outbound to {host}"
    return failed(_NAME, words, mend)


def public_host(account: str, endpoint: str) -> str:
    """The host that serves the account's shares; "" where `endpoint` is an emulator's."""
    if not endpoint:
        return urlsplit(service_url(account, "file")).hostname or ""
    url = urlsplit(endpoint)
    host = url.hostname or ""
    if url.path.strip("/") or "." not in host:
        return ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host
    return ""


def _fault(host: str) -> str:
    try:
        socket.create_connection((host, _PORT), _SECONDS).close()
    except (OSError, UnicodeError) as error:
        return str(error)
    return ""
