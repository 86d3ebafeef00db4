"""What the metadata service says of this machine: its name, on a virtual machine of Azure's."""

import logging
import os
import socket
import urllib.request

from runner.machine.scheduled_events import is_azure_machine

log = logging.getLogger(__name__)

_NAME_URL = "http://169.254.169.254/metadata/instance/compute/name?api-version=2021-02-01&format=text"
_TIMEOUT_SECONDS = 3.0
# The metadata service is on the machine itself; a proxy would answer for another one.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def machine_name(url: str = "") -> str:
    """The VM's name on a machine of Azure's, which portal and scale set show it under; the host's name
    elsewhere, and where nobody answers.

    `url`: where to ask whatever machine this is; "" leaves it to BATCHAI_INSTANCE_NAME_URL.
    """
    asked = (
        url or os.environ.get("BATCHAI_INSTANCE_NAME_URL", "") or (_NAME_URL if is_azure_machine() else "")
    )
    return (_asked(asked) if asked else "") or socket.gethostname()


def _asked(url: str) -> str:
    if not url.startswith("http://"):
        return ""
    question = urllib.request.Request(url, headers={"Metadata": "true"})
    try:
        with _OPENER.open(question, timeout=_TIMEOUT_SECONDS) as answer:
            return str(answer.read(256).decode().strip())
    except (OSError, ValueError) as error:
        log.warning("no name from the metadata service: %s", error, extra={"action": "machine_name"})
        return ""
