"""URLs of Azure file shares: account and share, host style (Azure) and path style (emulators). PURE."""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from shared.names.service_urls import service_url

#: Naming rules of shares and of blob containers (Azure Storage documentation).
STORAGE_NAME = re.compile(r"(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
#: Public cloud, China, US Government; and the accounts with a DNS zone in their name.
_AZURE_HOST = re.compile(
    r"https://[a-z0-9]{3,24}\.(file\.core\.(windows\.net|chinacloudapi\.cn|usgovcloudapi\.net)"
    r"|z[0-9]{1,2}\.file\.storage\.azure\.net)",
    re.IGNORECASE,
)
_OTHER_SERVICES = frozenset({"blob", "dfs", "queue", "table", "web"})


@dataclass(frozen=True)
class FileShareUrl:
    """A file share: `endpoint` is the file service of the account, without a slash at the end."""

    account: str
    share: str
    endpoint: str
    names_account: bool = True  #: False: a host of somebody's own, whose first label is a guess

    def account_beside(self, account_name: str) -> str:
        """The account that is meant where accountName stands beside the URL ("": it does not): the URL's,
        unless it only lets guess."""
        return self.account if self.names_account or not account_name else account_name

    @property
    def is_public(self) -> bool:
        """Whether it names the public cloud, for which an installation may have another address."""
        return self.endpoint == service_url(self.account, "file")

    def may_see_tokens(self, own: str) -> bool:
        """Whether a machine may show its identity there: to Azure's own file services and to `own`, the
        endpoint that the operator gave for the account. (Over plain HTTP no client sends a token.)

        A token opens every account that the identity may use, so a document must not choose who gets it.
        """
        azures = _AZURE_HOST.fullmatch(self.endpoint) is not None
        return azures or self.endpoint == own or self.endpoint.startswith("http://")


def file_share(url: str) -> FileShareUrl:
    """The share named by `https://<account>.file.core.windows.net/<share>` or `http://host/<account>/<share>`.

    The path style is read where the host is an IP address, has no dot, or the path has two parts, as
    emulators have it. Raises ValueError with a message that never repeats the URL (it may hold a token).
    """
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("Ill-formed Azure File URL") from None
    if (
        parts.scheme not in ("https", "http")
        or not host
        or parts.query
        or parts.fragment
        or "@" in parts.netloc
        or _is_another_service(host)
    ):
        raise ValueError("Ill-formed Azure File URL")
    folders = [folder for folder in parts.path.split("/") if folder]
    base = f"{parts.scheme}://{parts.netloc}"
    if _is_path_style(host, folders):
        found = FileShareUrl(folders[0], folders[1], f"{base}/{folders[0]}") if len(folders) == 2 else None
    else:
        azures = _AZURE_HOST.fullmatch(f"https://{host}") is not None
        found = FileShareUrl(host.split(".")[0], folders[0], base, azures) if len(folders) == 1 else None
    if found is None or not STORAGE_NAME.fullmatch(found.share):
        raise ValueError("Ill-formed Azure File URL")
    return found


def account_of(url: str) -> str | None:
    """The account that a file URL names, placeholders as they stand; None where it names none."""
    match = re.fullmatch(r"\s*https?://([^/@?#]+)(/[^?#]*)?\s*", url)
    if match is None:
        return None
    host = match[1].rsplit(":", 1)[0] if re.search(r":\d+$", match[1]) else match[1]
    folders = [folder for folder in (match[2] or "").split("/") if folder]
    if _is_path_style(host.strip("[]"), folders):
        return folders[0] if len(folders) == 2 else None
    return host.split(".")[0] or None


def _is_another_service(host: str) -> bool:
    """Whether a host of Azure's storage serves something else than files."""
    labels = host.lower().split(".")
    return len(labels) > 2 and any(label in _OTHER_SERVICES for label in labels[1:3])


def _is_path_style(host: str, folders: list[str]) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or (len(folders) == 2 and ".file." not in host)
    return True
