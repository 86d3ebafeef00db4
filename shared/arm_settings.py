"""Where the machines of clusters come from: the settings BATCHAI_ARM_*. PURE."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from shared.names.ids import RESOURCE_GROUP_RULE, group_fault
from shared.settings import DEFAULT_SCOPE, ArmSettings

_URL = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+")


def arm_settings(env: Mapping[str, str], faults: list[str]) -> ArmSettings:
    """Read from `env`; what is wrong is added to `faults`. A token is sent to this machine only: elsewhere
    the machine's identity asks."""
    endpoint = env.get("BATCHAI_ARM_ENDPOINT", "").rstrip("/") or ArmSettings.endpoint
    parts, token = urlsplit(endpoint), env.get("BATCHAI_ARM_TOKEN", "")
    here = parts.hostname in ("127.0.0.1", "localhost", "::1")
    if not _URL.fullmatch(endpoint) or (parts.scheme == "http" and not here):
        faults.append("BATCHAI_ARM_ENDPOINT must be like https://management.azure.com")
    if token and not here:
        faults.append(
            "BATCHAI_ARM_TOKEN is for a stand-in of ARM on this machine; remove it, and give the app's "
            "identity a role on the scale sets instead"
        )
    group = env.get("BATCHAI_ARM_RESOURCE_GROUP", "")
    if group and group_fault(group):
        faults.append(f"BATCHAI_ARM_RESOURCE_GROUP must be {RESOURCE_GROUP_RULE}")
    ours = env.get("BATCHAI_SUBSCRIPTION_ID", "") or DEFAULT_SCOPE.subscription_id
    subscription = env.get("BATCHAI_ARM_SUBSCRIPTION_ID", "") or ours
    if "/" in subscription:
        faults.append("BATCHAI_ARM_SUBSCRIPTION_ID must not contain a slash")
    return ArmSettings(group, subscription, endpoint, token=token)
