"""A shell on a node through the machine's own `ssh`: what `node exec` of cluster and job have in common."""

import shutil
import subprocess
import sys
from collections.abc import Iterable
from typing import Any

import click

from cli.faults import NOT_FOUND, Fault
from cli.options import Function
from cli.session import Session
from cli.shape import flat


def ssh_options(function: Function) -> Function:
    """Options given as command_line, node_id, addresses, password and private_key."""
    options = (
        click.option("command_line", "--exec", help="Command to run; without it ports are forwarded only."),
        click.option("-n", "--node-id", help="The node.  [default: the first one]"),
        click.option(
            "addresses",
            "-L",
            "--address",
            multiple=True,
            help="Forward a port, as ssh -L: 8080:localhost:8080. May be given more than once.",
        ),
        click.option("-p", "--password", help="Not supported: leave it out, and ssh asks."),
        click.option("private_key", "-k", "--ssh-private-key", help="File of the private key."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def run_on_node(
    session: Session,
    cluster: str,
    nodes: Iterable[dict[str, Any]],
    command_line: str | None,
    node_id: str | None,
    addresses: tuple[str, ...],
    password: str | None,
    private_key: str | None,
) -> None:
    """Run ssh as the cluster's administrator and exit as it does. `cluster`: its path. Raises Fault."""
    if password:
        raise Fault("ssh takes no password from the command line", "Leave -p out: ssh asks for it.", 2)
    if shutil.which("ssh") is None:
        raise Fault("there is no ssh on this machine", "Install an OpenSSH client.")
    node = _chosen(list(nodes), node_id)
    account = flat(session.api.get(cluster)).get("userAccountSettings") or {}
    line = ssh_line(node, str(account.get("adminUserName", "")), command_line, addresses, private_key)
    sys.exit(subprocess.run(line, check=False).returncode)


def _chosen(nodes: list[dict[str, Any]], node_id: str | None) -> dict[str, Any]:
    for node in nodes:
        if node_id in (None, node["nodeId"]):
            return node
    if node_id:
        raise Fault(f"there is no node {node_id}", "See: batchai cluster node list", NOT_FOUND)
    raise Fault("no node can be reached", "See: batchai cluster node list", NOT_FOUND)


def ssh_line(
    node: dict[str, Any],
    user: str,
    command_line: str | None,
    addresses: tuple[str, ...],
    private_key: str | None,
) -> list[str]:
    """The command that is run. No value can be taken for an option of ssh."""
    line = ["ssh", "-p", str(int(node["port"])), "-o", "StrictHostKeyChecking=accept-new"]
    for address in addresses:
        line += ["-L", address]
    if private_key:
        line += ["-i", private_key]
    if not command_line:
        line.append("-N")
    line += ["--", f"{user}@{node['ipAddress']}" if user else str(node["ipAddress"])]
    return [*line, command_line] if command_line else line
