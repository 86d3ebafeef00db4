"""A folder of somebody's share or container: how its account is spoken to, and why it lets nobody in."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from azure.core.exceptions import ClientAuthenticationError, HttpResponseError

from shared.errors import RequestError, StoreError
from shared.jobs.output_places import OutputPlace
from shared.names.service_urls import service_url
from shared.stores.connection import error_code, translated
from shared.stores.identity import IdentityUnavailableError, ImpatientIdentity

#: For reaching an account of which nothing is known but its name.
_CONNECT_SECONDS = 3


@dataclass(frozen=True)
class Folder:
    """A folder of an account: `name` is the share's or container's. `key` "": the machine's identity."""

    account: str
    name: str
    folder: str
    url: str
    key: str = field(repr=False)


def folder_of(place: OutputPlace) -> Folder:
    """The folder of a place, as its account is asked for it."""
    url = place.endpoint or service_url(place.account, "file" if place.kind == "share" else "blob")
    return Folder(place.account, place.name, place.folder, url, place.key)


def options_of(folder: Folder) -> dict[str, Any]:
    """How a folder's account is spoken to: somebody waits for the answer, and comes again if it is none."""
    if folder.key:
        credential = {"account_name": folder.account, "account_key": folder.key}
        return {"credential": credential, "retry_total": 1, "initial_backoff": 1, "increment_base": 1}
    return {"credential": ImpatientIdentity(), "retry_total": 0, "connection_timeout": _CONNECT_SECONDS}


@contextmanager
def explained(folder: Folder, kind: str, doing: str = "listing") -> Iterator[None]:
    """Azure's exceptions as ours. Raises RequestError where the account lets nobody in that way."""
    where = f"{kind} {folder.name} of storage account {folder.account}"
    try:
        with translated(f"{doing} {where}"):
            yield
    except StoreError as error:
        cause = error.__cause__
        if not isinstance(cause, ClientAuthenticationError) and getattr(cause, "status_code", 0) != 403:
            raise
        text = f"The {where} cannot be {_DONE[doing]}: {_missing(folder, kind, doing, cause)}"
        raise RequestError(text, "StorageAccountNotAccessible") from error


_DONE = {"listing": "listed", "reading": "read", "clearing": "cleared"}
_GIVE_KEY = "Give credentials.accountKey with the volume in the document"
_READER = {"share": "Storage File Data Privileged Reader", "container": "Storage Blob Data Reader"}
_WRITER = {"share": "Storage File Data Privileged Contributor", "container": "Storage Blob Data Contributor"}
_DELEGATOR = {"share": "Storage File Delegator", "container": "Storage Blob Delegator"}


def _missing(folder: Folder, kind: str, doing: str, cause: BaseException | None) -> str:
    """What an account lacks that did not let us in, and what gives it."""
    answered = f" (it answered {error_code(cause)})" if isinstance(cause, HttpResponseError) else ""
    if folder.key:
        return f"it refuses the key that was given for it{answered}. Submit the job again with its key."
    role, does = (_WRITER, "remove") if doing == "clearing" else (_READER, "read")
    no_key = "neither the document nor the settings of this installation give a key of that account, and "
    if isinstance(cause, IdentityUnavailableError):
        return (
            f"{no_key}this service has no identity that could {does} it. {_GIVE_KEY}, or let the operator "
            f"give the service a managed identity with the role {role[kind]} on the account."
        )
    return (
        f"{no_key}it does not let this service's identity {does}{answered}. {_GIVE_KEY}, or let the "
        f"account's owner give that identity the roles {role[kind]} and {_DELEGATOR[kind]}."
    )
