"""Containers and shares that documents name: made, listed and linked.

Managers and api import it; the SDK stays inside.
"""
