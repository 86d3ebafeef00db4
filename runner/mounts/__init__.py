"""Volumes: cloud storage as a path. `mount` chooses a driver, `from_document` says what to mount.

The attempt and above import it; drivers are in `drivers/`.
"""
