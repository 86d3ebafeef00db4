"""What a URL names: a share and a path inside it, safe to join to a directory. PURE.

Path style only: `/ACCOUNT[/SHARE[/PATH]]`. Clients encode differently: directory requests of the Python SDK
send the slashes of PATH as %2F, file requests do not; so the path is decoded whole and split afterwards.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from local.files.errors import FilesError

#: "Naming and referencing shares, directories, files, and metadata" of the Azure Storage reference.
_SHARE = re.compile(r"(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_FORBIDDEN = re.compile(r'["\\:|<>*?\x00-\x1f\x7f]')
_LONGEST_NAME = 255
_LONGEST_PATH = 2048
_DEEPEST = 250


@dataclass(frozen=True)
class Target:
    """A resource: the service (`share` empty), a share or its root (`path` empty), a file or directory.

    `path` has no slash at either end; none of its segments is empty, "." or "..", and it holds no NUL.
    """

    share: str
    path: str

    @property
    def parent(self) -> str:
        return self.path.rpartition("/")[0]

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


def account_of(raw_path: str, accounts: Collection[str]) -> str:
    """The account of an undecoded URL path, which must be one of these. Raises FilesError."""
    account = _decode(raw_path.lstrip("/").partition("/")[0])
    if account not in accounts:
        names = " or ".join(f"/{name}" for name in accounts)
        raise FilesError("InvalidUri", f"the URL must be path-style and begin with {names}")
    return account


def parse(raw_path: str, accounts: Collection[str], *, keep_trailing_dots: bool = False) -> Target:
    """The target of an undecoded URL path. Raises FilesError for what cannot be a resource of `accounts`.

    `keep_trailing_dots` is the header x-ms-allow-trailing-dot: without it the service drops dots at the end
    of each name.
    """
    account_of(raw_path, accounts)
    _, _, rest = raw_path.lstrip("/").partition("/")
    raw_share, _, raw_rest = rest.partition("/")
    share = _decode(raw_share)
    if share and not is_share_name(share):
        raise FilesError(
            "InvalidResourceName",
            "a share name is 3 to 63 lower-case letters, digits or single hyphens, no hyphen at either end",
        )
    segments = [s for s in _decode(raw_rest).split("/") if s]
    if segments and not share:
        raise FilesError("InvalidUri", "the URL has a path but no share")
    return Target(share, "/".join(_segment(s, keep_trailing_dots) for s in segments))


def is_share_name(name: str) -> bool:
    return _SHARE.fullmatch(name) is not None


def check_new_name(target: Target) -> None:
    """Raises FilesError where Azure Files would not let `target` be created.

    Only for what is created over REST: a file another process made under such a name can still be read.
    """
    names = target.path.split("/")
    if (
        _FORBIDDEN.search(target.path)
        or len(target.path) > _LONGEST_PATH
        or len(names) > _DEEPEST
        or any(len(n) > _LONGEST_NAME for n in names)
    ):
        raise FilesError(
            "InvalidResourceName",
            f'a name has at most {_LONGEST_NAME} characters and no " \\ : | < > * ? or control characters; '
            f"a path at most {_LONGEST_PATH} characters and {_DEEPEST} levels",
        )


def _decode(raw: str) -> str:
    try:
        text = unquote_to_bytes(raw).decode("utf-8")
    except UnicodeDecodeError as error:
        raise FilesError("InvalidUri", "the URL is not percent-encoded UTF-8") from error
    if "\0" in text:
        raise FilesError("InvalidResourceName", "a name cannot hold NUL")
    return text


def _segment(name: str, keep_trailing_dots: bool) -> str:
    kept = name if keep_trailing_dots else name.rstrip(".")
    if kept in ("", ".", ".."):
        raise FilesError("InvalidResourceName", 'a name cannot be "." or "..", nor consist of dots alone')
    return kept
