"""URLs of Key Vault secrets. PURE."""

import re
from dataclasses import dataclass

_URL = re.compile(
    r"https://(?P<host>[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?)/secrets/(?P<name>[A-Za-z0-9-]{1,127})"
    r"(?:/(?P<version>[A-Za-z0-9]{1,64}))?/?",
    re.ASCII,
)
#: Domains of vaults: the public cloud, China, US Government (Key Vault documentation, "DNS suffixes").
_DOMAINS = ("vault.azure.net", "vault.azure.cn", "vault.usgovcloudapi.net")
_VAULT_NAME = re.compile(r"[a-z0-9-]{3,24}")


@dataclass(frozen=True)
class VaultSecret:
    """A secret of a vault. `version` "" is the current one."""

    host: str  #: in lower case, with the port where it is not the usual one
    name: str
    version: str = ""

    @property
    def vault_url(self) -> str:
        return f"https://{self.host}"

    @property
    def is_azures(self) -> bool:
        """Whether the host is a vault of one of Azure's clouds, at the port where they all are."""
        name, _, domain = self.host.partition(".")
        return domain in _DOMAINS and _VAULT_NAME.fullmatch(name) is not None

    def __str__(self) -> str:
        return f"{self.vault_url}/secrets/{self.name}{f'/{self.version}' if self.version else ''}"


def vault_secret(url: str) -> VaultSecret:
    """The secret named by `https://<vault>.vault.azure.net/secrets/<name>[/<version>]`.

    Raises ValueError with a message that does not repeat the URL (it may hold a token).
    """
    match = _URL.fullmatch(url)
    if match is None:
        raise ValueError("not the URL of a Key Vault secret")
    host = match["host"].lower().removesuffix(":443")
    return VaultSecret(host, match["name"], match["version"] or "")
