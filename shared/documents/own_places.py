"""What an installation itself lives on, and which volumes of documents would reach it. PURE.

Who can write to the container of accepted documents decides what other people's jobs run, with the secrets
that were sealed into them. So no document may name a container or share of the installation, however it
spells it: checked on submission, on the node, and when outputs are listed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from shared.settings import Settings

#: Of the account that the Azurite and storage emulators have, and the ports they answer on.
_EMULATOR = "devstoreaccount1"
_EMULATOR_PORTS = (10000, 10001, 10002)
#: What the Functions host and its deployment make, in whichever account they are given.
_OF_A_HOST = re.compile(r"azure-webjobs-.*|azure-functions-.*|function-releases|scm-releases|app-package-.*")
_DATA = "Use another one for data."


@dataclass(frozen=True)
class OwnPlaces:
    """The places of an installation. Empty: nothing is known, nothing refused."""

    account: str = ""  #: that holds drops, documents, tables and queues
    aliases: frozenset[str] = frozenset()  #: other names by which settings reach it
    ports: frozenset[int] = frozenset()  #: of its blob, queue and table services, where its URLs have one
    containers: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()  #: further containers and shares that the operator named

    def container_fault(self, account: str, container: str) -> str | None:
        """What is wrong with mounting a container, or None."""
        name = container.strip().lower()
        own = self._is_own(account) and (name in self.containers or name in self.others or name == "$logs")
        return self._reason("container", name) if own or _OF_A_HOST.fullmatch(name) else None

    def share_fault(self, accounts: tuple[str, ...], endpoint: str, share: str) -> str | None:
        """What is wrong with mounting a file share, or None. `accounts`: every account that it may be of;
        `endpoint`: the service that the document names."""
        own, name, port = any(map(self._is_own, accounts)), share.strip().lower(), _port(endpoint)
        if _OF_A_HOST.fullmatch(name) or (own and name in self.others):
            return self._reason("share", name)
        if own and port is not None and port in self.ports:
            return "azureFileUrl names another service of the installation's account, not its file shares."
        return None

    def server_fault(self, host: str, directory: str) -> str | None:
        """What is wrong with mounting a directory of an NFS server (Azure serves containers and shares by NFS
        as /<account>/<name>), or None."""
        label, _, domain = host.strip("[] ").lower().partition(".")
        if not self._is_own(label) or not re.search(r"(^|\.)(blob|dfs|file)\.", f"{domain}."):
            return None
        parts = [part for part in directory.split("/") if part]
        name = parts[1] if len(parts) > 1 else ""
        if not name:
            return "It must name a container or share: the installation's own account lies on this server."
        service = re.search(r"(^|\.)file\.", domain)
        return self.share_fault((label,), "", name) if service else self.container_fault(label, name)

    def _reason(self, kind: str, name: str) -> str | None:
        return f"The {kind} {name} is the installation's own. {_DATA}" if self.account else None

    def _is_own(self, account: str) -> bool:
        name = _plain(account)
        return bool(self.account) and (name == self.account or name in self.aliases)


#: Where no installation is known.
NO_PLACES = OwnPlaces()


def own_places(settings: Settings) -> OwnPlaces:
    """The places of the installation with these settings."""
    account, urls = _state_account(settings)
    own_urls = {_home(url) for url in urls} - {""}
    aliases = {
        _plain(name)
        for name, endpoints in settings.endpoints.items()
        if endpoints.blob and (_account_in(endpoints.blob) == account or _home(endpoints.blob) in own_urls)
    }
    return OwnPlaces(
        account,
        frozenset(aliases),
        frozenset(port for url in urls if (port := _port(url)) is not None),
        frozenset((settings.jobs_container, settings.clusters_container, settings.accepted_container)),
        frozenset(settings.reserved_names),
    )


def _state_account(settings: Settings) -> tuple[str, tuple[str, ...]]:
    """The account of the state, and the URLs of its services that the settings name."""
    if not settings.storage:
        own = settings.storage_urls
        return _plain(settings.storage_account), tuple(u for u in (own.blob, own.queue, own.table) if u)
    values = _values(settings.storage)
    if values.get("usedevelopmentstorage", "").lower() == "true":
        return _EMULATOR, tuple(f"http://127.0.0.1:{port}/{_EMULATOR}" for port in _EMULATOR_PORTS)
    urls = tuple(
        url for name in ("blobendpoint", "queueendpoint", "tableendpoint") if (url := values.get(name, ""))
    )
    account = values.get("accountname") or (_account_in(urls[0]) if urls else "")
    return _plain(account), urls


def _values(connection_string: str) -> Mapping[str, str]:
    pairs = (part.partition("=") for part in connection_string.split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _plain(account: str) -> str:
    """An account's name in one spelling: hosts ignore case, and a second host answers for a copy of it."""
    return account.strip().lower().partition(".")[0].removesuffix("-secondary")


def _account_in(url: str) -> str:
    """The account that a service URL names: the first folder where it has one (emulators), else the host."""
    parts = urlsplit(url)
    folder = parts.path.strip("/").partition("/")[0]
    return _plain(folder or (parts.hostname or ""))


def _home(url: str) -> str:
    """Host, port and folder of a service URL: equal for two spellings of one."""
    parts = urlsplit(url)
    return f"{(parts.hostname or '').lower()}:{parts.port or ''}{parts.path.rstrip('/').lower()}"


def _port(url: str) -> int | None:
    try:
        return urlsplit(url).port
    except ValueError:
        return None
