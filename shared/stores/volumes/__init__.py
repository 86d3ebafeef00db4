"""Containers and shares that documents name: made, listed and linked.

`listing` lists output files, `removal` removes those of a run.
Managers and api import it; the SDK stays inside.
"""
