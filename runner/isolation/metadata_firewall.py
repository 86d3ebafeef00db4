"""The machine's identity, closed to jobs, by rules of the kernel's packet filter.

Whoever reaches 169.254.169.254 gets tokens of the machine's identity, and with them whatever the runner may
do. 168.63.129.16 serves the guest agent: certificates, the machine's settings; it is also the network's DNS,
which stays open. (learn.microsoft.com: "Azure Instance Metadata Service", "What is IP address
168.63.129.16?")

A runner has a table of its own. It is removed with the runner; what a killed one has left is replaced when
the slot, or the root, is used again.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from runner.machine.commands import find_program, run
from shared.errors import BatchAIError

log = logging.getLogger(__name__)

INSTANCE, WIRE_SERVER = "169.254.169.254", "168.63.129.16"
_CGROUPS = Path("/sys/fs/cgroup")
_SECONDS = 20.0
_REMEDY = (
    "install nftables and run the runner as root, or let jobs have the machine's identity: "
    "BATCHAI_JOB_METADATA=open"
)
# `add` before `delete`: there may be nothing to delete. All of it happens at once or not at all.
_TABLE = """
add table inet {name}
delete table inet {name}
table inet {name} {{
  chain closed {{
    ip daddr {wire_server} meta l4proto {{ tcp, udp }} th dport 53 return
    ip daddr {{ {instance}, {wire_server} }} reject with icmpx type admin-prohibited
  }}
  chain groups {{
  }}
  chain output {{
    type filter hook output priority filter; policy accept;
    ip daddr != {{ {instance}, {wire_server} }} accept
    {users}
    jump groups
  }}
  chain forward {{
    type filter hook forward priority filter; policy accept;
    jump closed
  }}
}}
"""


class MetadataError(BatchAIError):
    """The firewall cannot be closed; the text says what to do."""


@dataclass(frozen=True)
class MetadataFirewall:
    """A closed firewall."""

    table: str

    def close_to(self, group: Path) -> None:
        """Close it to the processes of a group of the unified hierarchy too, until its next user.

        Raises MetadataError.
        """
        if not group.is_relative_to(_CGROUPS):
            raise MetadataError(f"the cgroup {group} is not below {_CGROUPS}, where nft looks for it")
        path = group.relative_to(_CGROUPS)
        # The level counts from the root of the hierarchy, which lies deeper where v1 is mounted too.
        level = len(path.parts) - (path.parts[0] == "unified")
        rule = f'socket cgroupv2 level {level} "{path}" jump closed'
        _nft(f"flush chain inet {self.table} groups\nadd rule inet {self.table} groups {rule}")


@contextmanager
def closed(name: str, uid: int | None) -> Iterator[MetadataFirewall]:
    """Closed to the user `uid` (None: to nobody yet) and to containers behind a bridge, until left.

    `name`: of the table, after a prefix. Raises MetadataError.
    """
    table = f"batchai-{name}"
    users = "" if uid is None else f"meta skuid {uid} jump closed"
    _nft(_TABLE.format(name=table, users=users, instance=INSTANCE, wire_server=WIRE_SERVER))
    try:
        yield MetadataFirewall(table)
    finally:
        try:
            _nft(f"delete table inet {table}")
        except MetadataError as error:
            log.warning("%s", error, extra={"action": "metadata"})


def _nft(script: str) -> None:
    nft = find_program("nft")
    if nft is None:
        raise MetadataError(f"the metadata endpoint is open to jobs: nft is missing; {_REMEDY}")
    done = run([nft, script], timeout_seconds=_SECONDS)
    if not done.ok:
        words = done.output.splitlines()[0] if done.output else "no answer"
        raise MetadataError(f"the metadata endpoint is open to jobs: nft says '{words}'; {_REMEDY}")
