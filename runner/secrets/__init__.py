"""What must not be shown, and where it comes from: redaction, settings, Key Vault, log filter.

`redaction` strikes out, `key_vault` opens references.
Everybody in the runner may import it.
"""
