"""Fresh key pairs for one attempt of a job on one node, and files that only their owner may read."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from runner.isolation.job_user import JobUser


@dataclass(frozen=True)
class KeyPair:
    """An ed25519 pair in OpenSSH's own forms."""

    private: str = field(repr=False)
    public: str  #: "ssh-ed25519 AAAA...", no comment


@dataclass(frozen=True)
class NodeKeys:
    """The three pairs of a node; see Access for what each is for."""

    host: KeyPair
    job: KeyPair
    node: KeyPair


def fresh() -> NodeKeys:
    """Keys nobody has seen yet."""
    return NodeKeys(_pair(), _pair(), _pair())


def _pair() -> KeyPair:
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return KeyPair(private.decode(), public.decode())


def make_folder(path: Path, user: JobUser) -> None:
    """A new folder that only `user` may look into. Raises OSError."""
    path.mkdir(mode=0o700)
    os.chown(path, user.uid, user.gid)


def write(path: Path, text: str, user: JobUser, mode: int = 0o600) -> None:
    """A new file of `user`, never open to others, not even for a moment. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        os.fchmod(file.fileno(), mode)
        os.fchown(file.fileno(), user.uid, user.gid)
