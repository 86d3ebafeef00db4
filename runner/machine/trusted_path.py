"""A path of a document and the folder above it that can be trusted. PURE."""

import posixpath
from dataclasses import dataclass


@dataclass(frozen=True)
class TrustedPath:
    """What a path of a document stands on: `root` can be trusted, and `inner` must not lead out of it,
    whatever symbolic links lie there. `root` is "" for a place of the machine that is neither a volume nor
    ours."""

    root: str
    inner: str

    def __str__(self) -> str:
        return posixpath.join(self.root, self.inner)
