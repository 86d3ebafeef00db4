"""Where storage lies and how it is opened: the settings BATCHAI_STORAGE* and BATCHAI_ENDPOINTS. PURE."""

import json
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from shared.names.service_urls import service_url, storage_suffix
from shared.settings import AccountEndpoints

#: What every connection string of an account has at least one of.
_CONNECTION_STRING = re.compile(r"(?i)(^|;)(AccountName=.|BlobEndpoint=.|UseDevelopmentStorage=true)")
_SERVICE_URL = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+(/[A-Za-z0-9_-]+)?")
_SERVICES = ("blob", "file", "queue", "table")
_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def account_in(url: str) -> str:
    """The account that a service URL names: its folder where it has one (emulators), else its host's name."""
    parts = urlsplit(url)
    return parts.path.strip("/").partition("/")[0] or (parts.hostname or "").partition(".")[0]


class StorageSettings:
    """Reads them one by one; what is wrong is added to `faults`."""

    def __init__(self, env: Mapping[str, str], faults: list[str]) -> None:
        self.env = env
        self.faults = faults

    def connection_string(self) -> str:
        value = self.env.get("BATCHAI_STORAGE", "")
        if not value and not self.account():
            self.faults.append(
                "BATCHAI_STORAGE is missing: set it to a connection string of the storage account that holds "
                "the drops and the state, or set BATCHAI_STORAGE__accountName (or __blobServiceUri, "
                "__queueServiceUri and __tableServiceUri) to use the machine's identity"
            )
        if value and not _CONNECTION_STRING.search(value):
            # Never quoted: it may hold a key.
            self.faults.append(
                "BATCHAI_STORAGE is not a connection string of a storage account; expected "
                "DefaultEndpointsProtocol=https;AccountName=<account>;AccountKey=<key>;EndpointSuffix=..."
            )
        return value

    def account(self) -> str:
        """The account of the state where the machine's identity opens it; "" where nothing names it."""
        named = self.env.get("BATCHAI_STORAGE__accountName", "").strip()
        return named or account_in(self._uri("blob"))

    def urls(self) -> AccountEndpoints:
        """The services' addresses: those given, else the account's in the cloud that is known."""
        given = {service: self._uri(service) for service in _SERVICES}
        for service, url in given.items():
            if url and not _SERVICE_URL.fullmatch(url):
                # Never quoted: it may hold a signature.
                self.faults.append(
                    f"BATCHAI_STORAGE__{service}ServiceUri must be like "
                    f"https://account.{service}.core.windows.net, without a signature"
                )
        account, suffix = self.account(), self.suffix()
        if not account or self.env.get("BATCHAI_STORAGE"):
            return AccountEndpoints()
        return AccountEndpoints(**{s: url or service_url(account, s, suffix) for s, url in given.items()})

    def suffix(self) -> str:
        """The domain of a cloud's storage, as the state's account names it."""
        return storage_suffix(self.env.get("BATCHAI_STORAGE", ""), self._uri("blob"))

    def client_id(self) -> str:
        value = self.env.get("BATCHAI_STORAGE__clientId", "").strip()
        if value and not _UUID.fullmatch(value):
            self.faults.append(
                f"BATCHAI_STORAGE__clientId is '{value}'; it must be the client id of a user-"
                "assigned identity, a UUID (az identity show --query clientId)"
            )
        return value

    def endpoints(self) -> dict[str, AccountEndpoints]:
        text = self.env.get("BATCHAI_ENDPOINTS", "") or "{}"
        try:
            raw = json.loads(text)
            given = {
                str(account): AccountEndpoints(
                    blob=str(urls.get("blob", "")).rstrip("/"), file=str(urls.get("file", "")).rstrip("/")
                )
                for account, urls in raw.items()
            }
        except (ValueError, AttributeError):
            self.faults.append(
                'BATCHAI_ENDPOINTS must be JSON like {"account": {"blob": "http://...", "file": "http://..."}}'
            )
            return {}
        # Volumes of the state's own account are reached where it is.
        own = {s: self._uri(s) for s in ("blob", "file") if self._uri(s)}
        return ({self.account(): AccountEndpoints(**own)} if own and self.account() else {}) | given

    def _uri(self, service: str) -> str:
        return self.env.get(f"BATCHAI_STORAGE__{service}ServiceUri", "").strip().rstrip("/")
