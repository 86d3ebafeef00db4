"""Sealed values and Key Vault: where secrets lie until a runner needs them.

`sealing` seals values for one document, `key_vaults` reads references.
Managers and the runner's secrets import it; the SDK stays inside.
"""
