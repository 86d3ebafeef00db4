"""Rules over members that come in two ways: the value itself, or a Key Vault reference to it. PURE."""

from shared.documents.findings import Finding, Findings, Raw, warning
from shared.names.vault_urls import vault_secret


def one_of(holder: Raw, value: str, reference: str, *, required: bool = True) -> Findings:
    """Exactly one of `value` and `reference`; `required=False` lets both be missing."""
    if value in holder and reference in holder:
        message = f"{value} and {reference} are both given; {value} is used."
        yield warning(holder.at(reference), message, "Keep one of them.", at_key=True)
    if required and value not in holder and reference not in holder:
        yield Finding(holder.path, f"{value} or {reference} is missing.", "Give one of them.")


def reference_rules(reference: Raw) -> Findings:
    """A Key Vault reference must look like one; whether it can be read shows when the job starts."""
    url = reference.text("secretUrl")
    if url:
        try:
            vault_secret(url)
        except ValueError as fault:
            hint = "Write https://<vault>.vault.azure.net/secrets/<name>, or with /<version> at its end."
            yield Finding(reference.at("secretUrl"), f"secretUrl is {fault}.", hint)
    vault = reference.child("sourceVault")
    if (name := vault.text("id")) and not name.startswith("/subscriptions/"):
        yield warning(vault.at("id"), "sourceVault.id is not an ARM id; only secretUrl is used.", "")
