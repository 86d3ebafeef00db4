"""Key Vault references of a document, replaced by what the vaults hold: once, when an attempt begins."""

from typing import TypeVar

from shared.documents.findings import Path
from shared.documents.secret_references import references, with_values
from shared.documents.spec import Model
from shared.errors import SecretError, StoreError
from shared.stores.secrets.key_vaults import Vaults

S = TypeVar("S", bound=Model)


def opened(spec: S, vaults: Vaults, at: Path = ("properties",)) -> S:
    """`spec`, which is the document's part `at`, with a value in place of every reference.

    Raises SecretError with every reference that a vault refuses; StoreError where one cannot be asked now.
    """
    values: dict[str, str] = {}
    faults: list[str] = []
    for reference in references(spec, at):
        if reference.url in values:
            continue
        try:
            values[reference.url] = vaults.read(reference.url)
        except SecretError as error:
            faults.append(f"{reference.path}: {error}")
        except StoreError as error:
            raise StoreError(f"{reference.path}: {error}") from error
    if faults:
        raise SecretError("; ".join(faults))
    return with_values(spec, values)
