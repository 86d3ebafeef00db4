"""The administrator's account of cluster nodes and file servers: name, password, ssh keys."""

import getpass
from pathlib import Path
from typing import Any

import click

from cli.faults import Fault
from cli.messages import say
from cli.options import Function

_KINDS = ("ssh-rsa ", "ssh-ed25519 ", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-")
#: The original's default first.
_DEFAULTS = ("id_rsa.pub", "id_ed25519.pub", "id_ecdsa.pub")


def account_options(function: Function) -> Function:
    """Options given as user_name, ssh_key, password and generate_ssh_keys."""
    options = (
        click.option("-u", "--user-name", help="Administrator of the nodes.  [default: your name]"),
        click.option("-k", "--ssh-key", help="Public key, or its file.  [default: ~/.ssh/id_rsa.pub]"),
        click.option("-p", "--password", help="Password of the administrator."),
        click.option(
            "--generate-ssh-keys", is_flag=True, help="Make ~/.ssh/id_rsa and id_rsa.pub where missing."
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def account_settings(
    given: dict[str, Any] | None,
    user_name: str | None,
    ssh_key: str | None,
    password: str | None,
    generate_ssh_keys: bool,
) -> dict[str, Any]:
    """userAccountSettings: options before the file's before the defaults. Raises Fault."""
    settings = dict(given or {})
    settings["adminUserName"] = user_name or settings.get("adminUserName") or getpass.getuser()
    if password:
        settings["adminUserPassword"] = password
    folder = Path.home() / ".ssh"
    if generate_ssh_keys:
        _generate(folder)
        ssh_key = ssh_key or str(folder / "id_rsa.pub")
    key = ssh_key or settings.get("adminUserSshPublicKey")
    if not key and not settings.get("adminUserPassword"):
        key = next((str(folder / name) for name in _DEFAULTS if (folder / name).is_file()), None)
    if key:
        settings["adminUserSshPublicKey"] = _public_key(str(key))
    elif not settings.get("adminUserPassword"):
        raise Fault(
            "neither a password nor an ssh key for the administrator was given, nor is there one in ~/.ssh",
            "Give --generate-ssh-keys, -k or -p.",
        )
    return settings


def _public_key(key: str) -> str:
    if not key.startswith(_KINDS):
        try:
            key = Path(key).expanduser().read_text("utf-8")
        except (OSError, ValueError):
            raise Fault(f"{key} is neither an ssh public key nor a file that holds one") from None
    if not key.startswith(_KINDS):
        raise Fault("that file holds no ssh public key", "Give the .pub file, not the private one.")
    return key.strip()


def _generate(folder: Path) -> None:
    """Make a pair of RSA keys as ssh-keygen does, where there is none."""
    private, public = folder / "id_rsa", folder / "id_rsa.pub"
    if public.exists():
        return
    # Imported late: nothing else here needs it.
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if private.exists():
        raise Fault(f"{private} is there without {public.name}", f"Make it: ssh-keygen -y -f {private}")
    key = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    private.touch(mode=0o600)
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        )
    )
    form = serialization.PublicFormat.OpenSSH
    public.write_bytes(key.public_key().public_bytes(serialization.Encoding.OpenSSH, form) + b"\n")
    say(f"made {private} and {public.name}; keep them safe")
