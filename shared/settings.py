"""Settings: what an installation is given, as one frozen object. settings_reader.py reads it. PURE."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.names.ids import Scope
from shared.names.limits import NO_LIMITS, Limits
from shared.names.node_prices import NO_PRICES, NodePrices
from shared.names.service_urls import PUBLIC_SUFFIX

DEFAULT_SCOPE = Scope("00000000-0000-0000-0000-000000000000", "batchai")


@dataclass(frozen=True)
class AccountEndpoints:
    """Service URLs of one storage account; an empty one means the public cloud's."""

    blob: str = ""
    file: str = ""
    queue: str = ""
    table: str = ""


@dataclass(frozen=True)
class ArmSettings:
    """Where Azure Resource Manager has the scale sets whose machines are the nodes. Without a resource group
    nothing starts or stops machines."""

    resource_group: str = ""
    subscription: str = ""
    endpoint: str = "https://management.azure.com"
    #: what a stand-in on this machine asks for; "": the machine's identity
    token: str = field(repr=False, default="")


@dataclass(frozen=True)
class EventSettings:
    """Whom changes of jobs are announced to (docs/reference/events.md). Without a URL nobody."""

    url: str = field(repr=False, default="")  #: of a webhook or an Event Grid topic; it may hold a secret
    #: keys that requests to a webhook are signed with, all of them; empty for an Event Grid topic
    keys: tuple[bytes, ...] = field(repr=False, default=())
    topic_key: str = field(repr=False, default="")  #: of an Event Grid topic; "": the machine's identity
    workspaces: tuple[str, ...] = ()  #: in lower case; empty: all
    batch: int = 1  #: events of one request at most
    handshake: bool = False  #: whether a webhook is asked first
    seconds: int = 10  #: between two looks at what is to be sent

    def wants(self, workspace: str) -> bool:
        """Whether changes of jobs of a workspace are announced."""
        return bool(self.url) and (not self.workspaces or workspace.lower() in self.workspaces)


#: How drops reach the function app: found by listing (a laptop), by Event Grid's webhook, by a storage queue.
POLLING, EVENT_GRID, QUEUE = "LogsAndContainerScan", "EventGrid", "Queue"
#: The queue of QUEUE, and where the Functions host leaves what it has given up.
DROPS, DROPS_POISON = "drops", "drops-poison"


@dataclass(frozen=True)
class Settings:
    """What an installation is given. Seconds where a name says so; secrets are kept out of repr."""

    storage: str = field(repr=False, default="")  #: connection string of the state account
    storage_account: str = ""  #: account of the state for identity-based access (no connection string)
    #: of its services, where the machine's identity is used
    storage_urls: AccountEndpoints = AccountEndpoints()
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
    #: what is kept of a job for so many days after its end; 0: for ever
    keep_days: float = 0.0
    #: files of a job on shares and in containers are kept for so many days after its end; 0: for ever
    keep_output_days: float = 0.0
    arm: ArmSettings = ArmSettings()
    events: EventSettings = EventSettings()
    #: a machine of a pool is deleted once it has been idle for so long and nobody waits for it
    scale_in_seconds: float = 600.0
    #: a machine of a pool that has not become a node after so long is replaced
    node_start_seconds: float = 900.0
    #: how old a look at the cloud may be while nothing is to be done: so late is a new pool noticed
    pool_look_seconds: float = 600.0
    node_prices: NodePrices = NO_PRICES
    limits: Limits = NO_LIMITS
    #: most machines of a cluster with a pool whose document has no scaleSettings; 0: nobody starts any
    default_most_nodes: int = 0
    #: between two looks at the names of all files in the drop containers
    look_seconds: float = 300.0
    #: file to which an emulator appends each blob that is written; "": not known
    blob_changes: str = ""
    #: what starts a runner of `{cluster}`; shown where a job waits for a node
    runner_command: str = "python -m runner --cluster {cluster}"
    public_url: str = ""  #: what links to this API begin with; "": the host that a request was sent to
    allowed_origins: tuple[str, ...] = ()  #: sites whose pages may change something over HTTP
    http_roles: bool = False  #: app roles of Entra tokens are looked at (App Service Authentication is on)
