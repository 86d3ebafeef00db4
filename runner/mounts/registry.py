"""The drivers there are, which are tried for a kind of volume, and what removes what they left behind."""

from collections.abc import Callable, Mapping

from runner.mounts.drivers import blobfuse2, cifs, nfs, premounted, rclone, unmanaged
from runner.mounts.drivers import copy as copying
from runner.mounts.state_dirs import Left
from runner.mounts.types import BLOB_CONTAINER, FILE_SERVER, FILE_SHARE, UNMANAGED, Driver

_ALL: tuple[Driver, ...] = (premounted, cifs, blobfuse2, rclone, copying, nfs, unmanaged)
DRIVERS: dict[str, Driver] = {driver.NAME: driver for driver in _ALL}

#: Which drivers are tried for a kind of volume, in this order, unless the operator says otherwise.
DEFAULT_ORDER: Mapping[str, tuple[str, ...]] = {
    FILE_SHARE: ("premounted", "cifs", "rclone"),
    BLOB_CONTAINER: ("blobfuse2", "rclone", "copy"),
    FILE_SERVER: ("nfs",),
    UNMANAGED: ("unmanaged",),
}

#: What a killed runner's driver left at the target, where that is no mount: a function that removes it and
#: says so, or None where there is nothing of it.
LEFT_BEHIND: Mapping[str, Callable[[Left], str | None]] = {
    premounted.NAME: premounted.remove_left,
    copying.NAME: copying.remove_left,
}
