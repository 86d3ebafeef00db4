"""Sealed values and Key Vault.

Managers and the runner's secrets import it; the SDK stays inside.
"""
