"""From a job's streams to the file share: routing, shipping, folders.

`routing` says which folder, `shipper` carries, `path_folder` writes.
The attempt and above import it.
"""
