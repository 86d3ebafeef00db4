"""Settings, read once from an environment mapping, every fault at once. PURE.

Names follow local.settings.example.json; docs/reference/settings.md lists them for people.
"""

import base64
import binascii
import re
from collections.abc import Mapping

from shared.arm_settings import arm_settings
from shared.errors import SettingsError
from shared.event_settings import event_settings
from shared.names.ids import NAME_PATTERN, NAME_RULE, RESOURCE_GROUP_RULE, Scope, group_fault
from shared.names.limits import EXPECTED as EXPECTED_LIMITS
from shared.names.limits import NO_LIMITS, Limits, limits_from
from shared.names.node_prices import EXPECTED, NO_PRICES, NodePrices, node_prices
from shared.names.vault_urls import vault_secret
from shared.settings import DEFAULT_SCOPE, EVENT_GRID, POLLING, QUEUE, Settings
from shared.storage_settings import StorageSettings

_PUBLIC_URL = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+(/[A-Za-z0-9._~/-]*)?")


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


def settings_from(env: Mapping[str, str]) -> Settings:
    """Settings of the function app and the runner. Raises SettingsError with every fault."""
    reader = _Reader(env)
    storage = StorageSettings(env, reader.faults)
    lease = reader.number("BATCHAI_LEASE_SECONDS", 90.0, least=2.0)
    settings = Settings(
        storage=storage.connection_string(),
        storage_account=storage.account(),
        storage_urls=storage.urls(),
        identity_client_id=storage.client_id(),
        storage_suffix=storage.suffix(),
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
        endpoints=storage.endpoints(),
        max_attempts=int(reader.number("BATCHAI_MAX_ATTEMPTS", 3, least=1)),
        lease_seconds=lease,
        renew_seconds=reader.number("BATCHAI_RENEW_SECONDS", lease / 3, least=0.2),
        gang_silence_seconds=reader.number("BATCHAI_GANG_SILENCE_SECONDS", min(12.0, lease / 2), least=1.0),
        retry_seconds=reader.number("BATCHAI_RETRY_SECONDS", 10.0, least=0.0),
        resend_seconds=reader.number("BATCHAI_RESEND_SECONDS", 120.0, least=1.0),
        forget_node_seconds=reader.number("BATCHAI_FORGET_NODE_SECONDS", 86_400.0, least=1.0),
        keep_days=reader.number("BATCHAI_KEEP_DAYS", 0.0, least=0.0),
        keep_output_days=reader.number("BATCHAI_KEEP_OUTPUT_DAYS", 0.0, least=0.0),
        arm=arm_settings(env, reader.faults),
        events=event_settings(env, reader.faults),
        scale_in_seconds=reader.number("BATCHAI_SCALE_IN_SECONDS", 600.0, least=0.0),
        node_start_seconds=reader.number("BATCHAI_NODE_START_SECONDS", 900.0, least=1.0),
        pool_look_seconds=reader.number("BATCHAI_POOL_LOOK_SECONDS", 600.0, least=0.0),
        node_prices=reader.node_prices(),
        limits=reader.limits(),
        default_most_nodes=int(reader.number("BATCHAI_DEFAULT_MOST_NODES", 0.0, least=0.0)),
        look_seconds=reader.number("BATCHAI_LOOK_SECONDS", 300.0, least=1.0),
        blob_changes=env.get("BATCHAI_BLOB_CHANGES", ""),
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

    def node_prices(self) -> NodePrices:
        try:
            return node_prices(self.env.get("BATCHAI_NODE_PRICES", ""))
        except ValueError as error:
            self.faults.append(f"BATCHAI_NODE_PRICES: {error}; expected JSON like {EXPECTED}")
            return NO_PRICES

    def limits(self) -> Limits:
        try:
            return limits_from(self.env.get("BATCHAI_LIMITS", ""))
        except ValueError as error:
            self.faults.append(f"BATCHAI_LIMITS: {error}; expected JSON like {EXPECTED_LIMITS}")
            return NO_LIMITS

    def public_url(self) -> str:
        value = self.env.get("BATCHAI_PUBLIC_URL", "").rstrip("/")
        if value and not _PUBLIC_URL.fullmatch(value):
            self.faults.append("BATCHAI_PUBLIC_URL must be like https://batchai.example.com")
        return value

    def reserved(self) -> tuple[str, ...]:
        # The second is Azure's own: the share that the function app's program lies on.
        names = (self.env.get(name, "") for name in ("BATCHAI_RESERVED_NAMES", "WEBSITE_CONTENTSHARE"))
        return tuple(name.lower() for text in names for name in text.replace(",", " ").split())
