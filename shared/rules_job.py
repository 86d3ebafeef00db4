"""Rules over a job as a whole: cluster, time limit. PURE."""

from shared.durations import is_dot_net, iso_duration, parse_duration
from shared.findings import Finding, Findings, note
from shared.names import NAME_PATTERN, NAME_RULE, cluster_from_arm_id
from shared.raw import Raw


def cluster_rules(job: Raw) -> Findings:
    """cluster.id is the ARM id of a cluster or a cluster's name."""
    cluster = job.child("cluster")
    name = cluster.text("id")
    if not name:
        return
    found = cluster_from_arm_id(name)
    names = (found.workspace, found.cluster) if found else (name,)
    if not all(NAME_PATTERN.match(part) for part in names):
        hint = f"Write its name ({NAME_RULE}), or /subscriptions/.../workspaces/<workspace>/clusters/<name>."
        yield Finding(cluster.at("id"), "This is neither the ARM id of a cluster nor a cluster's name.", hint)


def duration_rules(job: Raw) -> Findings:
    """The .NET spelling in the original's documentation never worked with its own client; here it does."""
    constraints = job.child("constraints")
    text = constraints.text("maxWallClockTime")
    if text is None or not is_dot_net(text):
        return
    try:
        iso = iso_duration(parse_duration(text))
    except ValueError:
        return
    yield note(constraints.at("maxWallClockTime"), f"The duration was read as {iso}.", f'Write "{iso}".')
