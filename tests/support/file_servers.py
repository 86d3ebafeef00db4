"""Samba and Ganesha on the loopback interface, without a system service, user or directory of their own."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local import processes

#: The Unix user behind the storage account's name. Exists everywhere; owns nothing.
_UNIX_USER = "nobody"
_SMB = """\
[global]
 workgroup = WORKGROUP
 server role = standalone server
 smb ports = 445
 interfaces = 127.0.0.1
 bind interfaces only = yes
 disable netbios = yes
 server min protocol = SMB3_11
 passdb backend = tdbsam
 username map = {home}/users
 map to guest = never
 load printers = no
 printcap name = /dev/null
 log file = {home}/log
 pid directory = {home}
 lock directory = {home}/lock
 state directory = {home}/state
 cache directory = {home}/cache
 private dir = {home}/private
 ncalrpc dir = {home}/rpc
[{share}]
 path = {path}
 read only = no
 force user = root
 case sensitive = no
 strict sync = yes
"""
_NFS = """\
NFS_CORE_PARAM {{
 Protocols = 4; NFS_Port = {port}; Bind_addr = 127.0.0.1; Enable_NLM = false; Enable_RQUOTA = false;
}}
NFSv4 {{ Graceless = true; RecoveryBackend = fs; RecoveryRoot = {home}/recovery; Minor_versions = 1,2; }}
EXPORT {{
 Export_Id = 1; Path = {path}; Pseudo = {pseudo}; Access_Type = RW; Squash = none; SecType = sys;
 FSAL {{ Name = VFS; }}
}}
"""


def missing() -> str | None:
    """What this machine lacks for the servers, or None."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    absent = [name for name in ("smbd", "smbpasswd", "ganesha.nfsd") if shutil.which(name, path=path) is None]
    if os.geteuid():
        return "the servers need root (port 445)"
    if absent:
        return f"no {', '.join(absent)}: apt-get install samba nfs-ganesha nfs-ganesha-vfs"
    if not absent and processes.port_open(445):
        return "port 445 is taken on this machine"
    return None


@contextmanager
def samba(home: Path, share: str, path: Path, account: str, key: str) -> Iterator[processes.Child]:
    """smbd on port 445: //127.0.0.1/share serves `path` to `account` with the password `key`."""
    for folder in ("lock", "state", "cache", "private", "rpc"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    config = home / "smb.conf"
    config.write_text(_SMB.format(home=home, share=share, path=path))
    (home / "users").write_text(f"{_UNIX_USER} = {account}\n")
    subprocess.run(
        ["smbpasswd", "-c", config, "-s", "-a", _UNIX_USER],
        input=f"{key}\n{key}\n",
        text=True,
        check=True,
        capture_output=True,
    )
    command = ["smbd", "-F", "--no-process-group", "-s", str(config), "--debug-stdout"]
    child = processes.start("smbd", command, home / "smbd.log")
    try:
        child.wait_ready(lambda: processes.port_open(445), 20)
        yield child
    finally:
        child.stop()


@contextmanager
def ganesha(home: Path, pseudo: str, path: Path, port: int) -> Iterator[processes.Child]:
    """ganesha.nfsd: 127.0.0.1:pseudo serves `path` by NFS 4.1 and 4.2 on `port`."""
    (home / "recovery").mkdir(parents=True)
    config = home / "ganesha.conf"
    config.write_text(_NFS.format(home=home, path=path, pseudo=pseudo, port=port))
    command = ["ganesha.nfsd", "-F", "-f", str(config), "-L", str(home / "log"), "-p", str(home / "pid")]
    child = processes.start("ganesha", command, home / "stdout")
    try:
        child.wait_ready(lambda: processes.port_open(port), 20)
        yield child
    finally:
        child.stop()
