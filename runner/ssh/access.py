"""What the other nodes of a job must know to reach this one by ssh: nothing in it is secret."""

import json
import re
from dataclasses import asdict, dataclass, fields

from shared.errors import BatchAIError

#: These words go into authorized_keys, known_hosts and ssh_config: one line each, no space for a second.
_FORMS = {
    "user": r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}",
    "host_key": r"ssh-ed25519 [A-Za-z0-9+/=]{60,100}",
    "job_key": r"ssh-ed25519 [A-Za-z0-9+/=]{60,100}",
    "node_key": r"ssh-ed25519 [A-Za-z0-9+/=]{60,100}",
    "shared_temp": r"/[^\x00-\x1f\x7f]{0,4000}",
}


class SshError(BatchAIError):
    """The nodes of a job cannot be connected by ssh: the machine's fault, not the job's."""


@dataclass(frozen=True)
class Access:
    """How to log in to one node for one attempt. Keys are public ones, as `ssh-ed25519 AAAA...`."""

    user: str  #: the one the job runs as there
    port: int  #: of its sshd
    host_key: str  #: what its sshd proves to be
    job_key: str  #: what the job's processes there log in with elsewhere
    node_key: str  #: what its runner opens the leader's shared folder with
    shared_temp: str  #: its AZ_BATCHAI_SHARED_JOB_TEMP

    def to_json(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))


@dataclass(frozen=True)
class Peer:
    """A node of the job as the others know it."""

    node_id: str
    address: str
    access: Access


def access_from_json(text: str) -> Access:
    """The Access that another node has sent. Raises SshError for anything that is not one."""
    try:
        given = json.loads(text)
        values = {field.name: given[field.name] for field in fields(Access)}
    except (ValueError, TypeError, KeyError) as error:
        raise SshError(f"what a node has sent of its ssh cannot be read: {type(error).__name__}") from None
    faults = [name for name, form in _FORMS.items() if not re.fullmatch(form, str(values[name]), re.ASCII)]
    if type(values["port"]) is not int or not 0 < values["port"] < 65536:
        faults.append("port")
    if faults:
        raise SshError(f"what a node has sent of its ssh is wrong in {', '.join(faults)}")
    return Access(**values)
