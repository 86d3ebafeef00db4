"""Rules across the fields of a document, generators over the raw document: all of them always run. PURE.

A rule sees the document after it was fitted to its model (`shared.fitting`) and before it is validated; it
must stand any mistake in it. What one field alone can tell (type, range, presence) is the model's business.
"""

from collections.abc import Callable

from shared import rules_cluster, rules_job, rules_toolkits
from shared.findings import Findings
from shared.raw import Raw
from shared.rules_container import container_rules
from shared.rules_directories import directory_rules
from shared.rules_environment import environment_rules
from shared.rules_expansion import expansion_rules, setup_expansion
from shared.rules_texts import text_rules
from shared.rules_variables import job_variables, setup_variables
from shared.rules_volumes import volume_rules

Rule = Callable[[Raw], Findings]

JOB_RULES: tuple[Rule, ...] = (
    *rules_toolkits.RULES,
    rules_job.cluster_rules,
    rules_job.duration_rules,
    container_rules,
    directory_rules,
    environment_rules,
    expansion_rules,
    job_variables,
    text_rules,
    lambda job: volume_rules(job.child("mountVolumes")),
)
CLUSTER_RULES: tuple[Rule, ...] = (
    rules_cluster.scale_rules,
    rules_cluster.machine_rules,
    rules_cluster.setup_rules,
    text_rules,
    lambda cluster: volume_rules(cluster.child("nodeSetup").child("mountVolumes")),
    lambda cluster: environment_rules(cluster.child("nodeSetup").child("setupTask")),
    lambda cluster: setup_expansion(cluster.child("nodeSetup").child("setupTask")),
    lambda cluster: setup_variables(cluster.child("nodeSetup").child("setupTask")),
)


def job_findings(properties: Raw) -> Findings:
    """What all rules say of a job."""
    for rule in JOB_RULES:
        yield from rule(properties)


def cluster_findings(properties: Raw) -> Findings:
    """What all rules say of a cluster."""
    for rule in CLUSTER_RULES:
        yield from rule(properties)
