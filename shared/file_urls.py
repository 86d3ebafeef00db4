"""URLs of Azure file shares: account and share, host style (Azure) and path style (emulators). PURE."""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

#: Naming rules of shares and of blob containers (Azure Storage documentation).
STORAGE_NAME = re.compile(r"(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")


@dataclass(frozen=True)
class FileShareUrl:
    """A file share: `endpoint` is the file service of the account, without a slash at the end."""

    account: str
    share: str
    endpoint: str

    @property
    def is_public(self) -> bool:
        """Whether it names the public cloud, for which an installation may have another address."""
        return self.endpoint == f"https://{self.account}.file.core.windows.net"


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
    ):
        raise ValueError("Ill-formed Azure File URL")
    folders = [folder for folder in parts.path.split("/") if folder]
    base = f"{parts.scheme}://{parts.netloc}"
    if _is_path_style(host, folders):
        found = FileShareUrl(folders[0], folders[1], f"{base}/{folders[0]}") if len(folders) == 2 else None
    else:
        found = FileShareUrl(host.split(".")[0], folders[0], base) if len(folders) == 1 else None
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


def _is_path_style(host: str, folders: list[str]) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or (len(folders) == 2 and ".file." not in host)
    return True
