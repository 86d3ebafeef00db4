"""Rules over a cluster. PURE."""

from shared.documents.findings import Finding, Findings, Raw, note, warning
from shared.documents.rules.secrets import one_of, reference_rules
from shared.names.paths import prefix_fault


def scale_rules(cluster: Raw) -> Findings:
    """manual or autoScale; limits in order."""
    scale = cluster.child("scaleSettings")
    if isinstance(cluster.value.get("scaleSettings"), dict):
        if "manual" in scale and "autoScale" in scale:
            message = "manual and autoScale are both given."
            yield Finding(scale.at("autoScale"), message, "Keep one of them.", at_key=True)
        elif "manual" not in scale and "autoScale" not in scale:
            yield warning(scale.path, "scaleSettings says nothing.", "Add manual or autoScale.")
    auto = scale.child("autoScale")
    least, most = auto.whole("minimumNodeCount"), auto.whole("maximumNodeCount")
    if least is not None and most is not None and least > most:
        message = f"minimumNodeCount is {least}, but maximumNodeCount is {most}."
        yield Finding(auto.at("minimumNodeCount"), message, "Make it the smaller of the two.")
    manual = scale.child("manual")
    if isinstance(scale.value.get("manual"), dict) and "targetNodeCount" not in manual:
        yield note(manual.path, "targetNodeCount is missing; it is 0.")


def machine_rules(cluster: Raw) -> Findings:
    """What the original required and its command line filled in."""
    if "vmSize" not in cluster:
        yield note(cluster.path, "vmSize is missing; the cluster's machines are whatever joins it.")
    account = cluster.child("userAccountSettings")
    if isinstance(cluster.value.get("userAccountSettings"), dict) and not (
        "adminUserSshPublicKey" in account or "adminUserPassword" in account
    ):
        message = (
            "Neither adminUserSshPublicKey nor adminUserPassword is given; nobody can log in to the nodes."
        )
        yield warning(account.path, message)


def setup_rules(cluster: Raw) -> Findings:
    """The setup task's output, and the keys of performance counters."""
    setup = cluster.child("nodeSetup")
    task = setup.child("setupTask")
    command = task.text("commandLine")
    if command and not command.strip():
        yield Finding(task.at("commandLine"), "commandLine must not be empty.")
    prefix = task.text("stdOutErrPathPrefix")
    fault = prefix_fault(prefix) if prefix else None
    if fault:
        hint = "Write $AZ_BATCHAI_MOUNT_ROOT/<relativeMountPath of a volume>."
        yield Finding(task.at("stdOutErrPathPrefix"), f"stdOutErrPathPrefix {fault}.", hint)
    reference = setup.child("performanceCountersSettings").child("appInsightsReference")
    if reference.value:
        yield from one_of(reference, "instrumentationKey", "instrumentationKeySecretReference")
        yield from reference_rules(reference.child("instrumentationKeySecretReference"))
