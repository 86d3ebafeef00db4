"""From a job's streams to the file share: routing, shipping, folders.

The attempt and above import it.
"""
