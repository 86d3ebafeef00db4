"""Volumes: cloud storage as a path.

`mount` chooses a driver of `drivers/`, `from_document` says what to mount.
The attempt and above import it; it imports machine and below.
"""
