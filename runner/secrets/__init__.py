"""What must not be shown, and where it comes from: redaction, settings, Key Vault, log filter.

Everybody in the runner may import it.
"""
