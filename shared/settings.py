"""Settings, read once from an environment mapping into one frozen object, every fault at once. PURE.

Names follow local.settings.example.json; docs/reference/settings.md lists them for people.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from shared.errors import SettingsError
from shared.names.ids import NAME_PATTERN, NAME_RULE, RESOURCE_GROUP_RULE, Scope, group_fault
from shared.names.service_urls import PUBLIC_SUFFIX, service_url, storage_suffix
from shared.names.vault_urls import vault_secret

#: What every connection string of an account has at least one of.
_CONNECTION_STRING = re.compile(r"(?i)(^|;)(AccountName=.|BlobEndpoint=.|UseDevelopmentStorage=true)")
_SERVICE_URL = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+(/[A-Za-z0-9_-]+)?")
_SERVICES = ("blob", "file", "queue", "table")
_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_PUBLIC_URL = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+(/[A-Za-z0-9._~/-]*)?")
DEFAULT_SCOPE = Scope("00000000-0000-0000-0000-000000000000", "batchai")


@dataclass(frozen=True)
class AccountEndpoints:
    """Service URLs of one storage account; an empty one means the public cloud's."""

    blob: str = ""
    file: str = ""
    queue: str = ""
    table: str = ""


#: How drops reach the function app: found by listing (a laptop), by Event Grid's webhook, by a storage queue.
POLLING, EVENT_GRID, QUEUE = "LogsAndContainerScan", "EventGrid", "Queue"
#: The queue of QUEUE, and where the Functions host leaves what it has given up.
DROPS, DROPS_POISON = "drops", "drops-poison"


@dataclass(frozen=True)
class Settings:
    """What an installation is told. Seconds where a name says so; secrets are kept out of repr."""

    storage: str = field(repr=False, default="")  #: connection string of the state account
    storage_account: str = ""  #: account of the state for identity-based access (no connection string)
    storage_urls: AccountEndpoints = (
        AccountEndpoints()
    )  #: of its services, where the machine's identity is used
    identity_client_id: str = ""  #: user-assigned managed identity; "": the machine's only one
    #: domain of the services of accounts that no setting gives an address
    storage_suffix: str = PUBLIC_SUFFIX
    drop_source: str = POLLING
    scope: Scope = DEFAULT_SCOPE
    location: str = "local"
    default_workspace: str = "default"
    default_experiment: str = "default"
    default_cluster: str = "default"
    jobs_container: str = "jobs"
    clusters_container: str = "clusters"
    accepted_container: str = "accepted"
    sealing_keys: tuple[bytes, ...] = field(repr=False, default=())  #: newest first, 32 bytes each
    sealing_keys_secret: str = ""  #: URL of a Key Vault secret that holds such keys; not read yet
    #: further containers and shares of the state's account that no document may name
    reserved_names: tuple[str, ...] = ()
    #: what the two placeholders of the original client stand for
    data_account: str = ""
    data_key: str = field(repr=False, default="")
    endpoints: Mapping[str, AccountEndpoints] = field(default_factory=dict)  #: by account name
    max_attempts: int = 3
    lease_seconds: float = 90.0
    renew_seconds: float = 30.0
    #: a node of a job of several that is not heard of for so long is lost; at most half the lease
    gang_silence_seconds: float = 12.0
    #: pause before the first repetition after a fault of ours; it doubles with each attempt
    retry_seconds: float = 10.0
    #: a queued job gets another message when it has had none for this long
    resend_seconds: float = 120.0
    #: a node that was not heard of for so long is not known any more
    forget_node_seconds: float = 86_400.0
    #: between two looks at the names of all files in the drop containers
    look_seconds: float = 300.0
    #: what starts a runner of `{cluster}`; told where a job waits for a node
    runner_command: str = "python -m runner --cluster {cluster}"
    public_url: str = ""  #: what links to this API begin with; "": the host that a request was sent to
    allowed_origins: tuple[str, ...] = ()  #: sites whose pages may change something over HTTP
    http_roles: bool = False  #: app roles of Entra tokens are looked at (App Service Authentication is on)


def drop_source(env: Mapping[str, str]) -> str:
    """How drops arrive: POLLING, EVENT_GRID or QUEUE. Raises SettingsError for anything else."""
    value = env.get("BATCHAI_BLOB_SOURCE", "").strip() or POLLING
    for known in (POLLING, EVENT_GRID, QUEUE):
        if value.lower() == known.lower():
            return known
    wrong = f"BATCHAI_BLOB_SOURCE is '{value}'; it must be {POLLING}, {EVENT_GRID} or {QUEUE}"
    raise SettingsError((wrong,))


def http_level(env: Mapping[str, str]) -> str:
    """The level of keys that HTTP asks for: ANONYMOUS, FUNCTION or ADMIN. Raises SettingsError."""
    value = (env.get("BATCHAI_HTTP_AUTH", "").strip() or "function").upper()
    if value not in ("ANONYMOUS", "FUNCTION", "ADMIN"):
        wrong = f"BATCHAI_HTTP_AUTH is '{value.lower()}'; it must be anonymous, function or admin"
        raise SettingsError((wrong,))
    return value


def account_in(url: str) -> str:
    """The account that a service URL names: its folder where it has one (emulators), else its host's name."""
    parts = urlsplit(url)
    return parts.path.strip("/").partition("/")[0] or (parts.hostname or "").partition(".")[0]


def settings_from(env: Mapping[str, str]) -> Settings:
    """Settings of the function app and the runner. Raises SettingsError with every fault."""
    reader = _Reader(env)
    lease = reader.number("BATCHAI_LEASE_SECONDS", 90.0, least=2.0)
    settings = Settings(
        storage=reader.storage(),
        storage_account=reader.account(),
        storage_urls=reader.storage_urls(),
        identity_client_id=reader.client_id(),
        storage_suffix=reader.suffix(),
        drop_source=reader.drop_source(),
        scope=Scope(
            reader.text("BATCHAI_SUBSCRIPTION_ID", DEFAULT_SCOPE.subscription_id),
            reader.text("BATCHAI_RESOURCE_GROUP", DEFAULT_SCOPE.resource_group),
            reader.one_of("BATCHAI_RESOURCE_GROUPS", "any", "one") == "any",
        ),
        location=reader.text("BATCHAI_LOCATION", "local"),
        default_workspace=reader.name("BATCHAI_DEFAULT_WORKSPACE"),
        default_experiment=reader.name("BATCHAI_DEFAULT_EXPERIMENT"),
        default_cluster=reader.name("BATCHAI_DEFAULT_CLUSTER"),
        sealing_keys=reader.keys(),
        sealing_keys_secret=reader.keys_secret(),
        reserved_names=reader.reserved(),
        data_account=env.get("AZURE_BATCHAI_STORAGE_ACCOUNT", ""),
        data_key=env.get("AZURE_BATCHAI_STORAGE_KEY", ""),
        endpoints=reader.endpoints(),
        max_attempts=int(reader.number("BATCHAI_MAX_ATTEMPTS", 3, least=1)),
        lease_seconds=lease,
        renew_seconds=reader.number("BATCHAI_RENEW_SECONDS", lease / 3, least=0.2),
        gang_silence_seconds=reader.number("BATCHAI_GANG_SILENCE_SECONDS", min(12.0, lease / 2), least=1.0),
        retry_seconds=reader.number("BATCHAI_RETRY_SECONDS", 10.0, least=0.0),
        resend_seconds=reader.number("BATCHAI_RESEND_SECONDS", 120.0, least=1.0),
        forget_node_seconds=reader.number("BATCHAI_FORGET_NODE_SECONDS", 86_400.0, least=1.0),
        look_seconds=reader.number("BATCHAI_LOOK_SECONDS", 300.0, least=1.0),
        runner_command=env.get("BATCHAI_RUNNER_COMMAND", "") or Settings.runner_command,
        public_url=reader.public_url(),
        allowed_origins=tuple(env.get("BATCHAI_ALLOWED_ORIGINS", "").split()),
        http_roles=reader.one_of("BATCHAI_HTTP_ROLES", "off", "entra") == "entra",
    )
    if group_fault(settings.scope.resource_group):
        reader.faults.append(f"BATCHAI_RESOURCE_GROUP must be {RESOURCE_GROUP_RULE}")
    if settings.renew_seconds > lease / 2:
        reader.faults.append("BATCHAI_RENEW_SECONDS must be at most half of BATCHAI_LEASE_SECONDS")
    if settings.gang_silence_seconds > lease / 2:
        reader.faults.append("BATCHAI_GANG_SILENCE_SECONDS must be at most half of BATCHAI_LEASE_SECONDS")
    if settings.forget_node_seconds < lease:
        reader.faults.append("BATCHAI_FORGET_NODE_SECONDS must be at least BATCHAI_LEASE_SECONDS")
    if reader.faults:
        raise SettingsError(tuple(reader.faults))
    return settings


def keys_in(text: str) -> tuple[tuple[bytes, ...], tuple[str, ...]]:
    """The sealing keys of a text, separated by commas, and what is wrong with it, which never quotes one."""
    keys, faults = [], []
    for number, part in enumerate(text.split(","), 1):
        try:
            key = base64.b64decode(part.strip(), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != 32:
            faults.append(f"key {number} is not 32 bytes in base64")
        keys.append(key)
    return tuple(keys), tuple(faults)


class _Reader:
    """Reads single settings and collects what is wrong with them."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = env
        self.faults: list[str] = []

    def text(self, name: str, default: str) -> str:
        value = self.env.get(name, "") or default
        if "/" in value or "\\" in value:
            self.faults.append(f"{name} must not contain a slash")
        return value

    def name(self, name: str) -> str:
        value = self.env.get(name, "") or "default"
        if not NAME_PATTERN.match(value):
            self.faults.append(f"{name} is '{value}'; it must be {NAME_RULE}")
        return value

    def one_of(self, name: str, default: str, *others: str) -> str:
        value = (self.env.get(name, "") or default).lower()
        if value not in (default, *others):
            self.faults.append(f"{name} is '{value}'; it must be {' or '.join((default, *others))}")
        return value

    def number(self, name: str, default: float, least: float) -> float:
        text = self.env.get(name, "")
        try:
            value = float(text) if text else default
        except ValueError:
            value = least - 1
        if not value >= least or value == float("inf"):
            self.faults.append(f"{name} is '{text}'; it must be a number of at least {least:g}")
            return default
        return value

    def storage(self) -> str:
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

    def _uri(self, service: str) -> str:
        return self.env.get(f"BATCHAI_STORAGE__{service}ServiceUri", "").strip().rstrip("/")

    def storage_urls(self) -> AccountEndpoints:
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
        """The domain of a cloud's storage, as the state's account tells it."""
        return storage_suffix(self.env.get("BATCHAI_STORAGE", ""), self._uri("blob"))

    def client_id(self) -> str:
        value = self.env.get("BATCHAI_STORAGE__clientId", "").strip()
        if value and not _UUID.fullmatch(value):
            self.faults.append(
                f"BATCHAI_STORAGE__clientId is '{value}'; it must be the client id of a user-"
                "assigned identity, a UUID (az identity show --query clientId)"
            )
        return value

    def drop_source(self) -> str:
        """BATCHAI_BLOB_SOURCE in its own spelling."""
        try:
            return drop_source(self.env)
        except SettingsError as error:
            self.faults += error.faults
            return POLLING

    def keys(self) -> tuple[bytes, ...]:
        text = self.env.get("BATCHAI_SEALING_KEYS", "")
        if not text:
            if not self.env.get("BATCHAI_SEALING_KEYS_SECRET"):
                self.faults.append(
                    "BATCHAI_SEALING_KEYS is missing: 32 random bytes in base64 (several, newest first, "
                    "separated by commas, while keys are rotated). Make one with: openssl rand -base64 32; "
                    "or set BATCHAI_SEALING_KEYS_SECRET to the URL of a Key Vault secret that holds it"
                )
            return ()
        keys, faults = keys_in(text)
        self.faults += [f"BATCHAI_SEALING_KEYS: {fault}" for fault in faults]
        return keys

    def keys_secret(self) -> str:
        url = self.env.get("BATCHAI_SEALING_KEYS_SECRET", "")
        try:
            return str(vault_secret(url)) if url else ""
        except ValueError as error:
            self.faults.append(
                f"BATCHAI_SEALING_KEYS_SECRET is {error}; expected "
                "https://<vault>.vault.azure.net/secrets/<name>[/<version>]"
            )
            return ""

    def public_url(self) -> str:
        value = self.env.get("BATCHAI_PUBLIC_URL", "").rstrip("/")
        if value and not _PUBLIC_URL.fullmatch(value):
            self.faults.append("BATCHAI_PUBLIC_URL must be like https://batchai.example.com")
        return value

    def reserved(self) -> tuple[str, ...]:
        # The second is Azure's own: the share that the function app's program lies on.
        names = (self.env.get(name, "") for name in ("BATCHAI_RESERVED_NAMES", "WEBSITE_CONTENTSHARE"))
        return tuple(name.lower() for text in names for name in text.replace(",", " ").split())

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
