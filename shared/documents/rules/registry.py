"""Rules across the fields of a document, generators over the raw document: all of them always run. PURE.

A rule sees the document after it was fitted to its model (coercion.py) and before it is validated; it
must stand any mistake in it. What one field alone shows (type, range, presence) is the model's business.
"""

from collections.abc import Callable

from shared.documents.findings import Findings, Raw
from shared.documents.rules import cluster as rules_cluster
from shared.documents.rules import job as rules_job
from shared.documents.rules import toolkits
from shared.documents.rules.directories import directory_rules
from shared.documents.rules.environment import environment_rules
from shared.documents.rules.expanded_paths import expanded_path_rules
from shared.documents.rules.expansion import expansion_rules, setup_expansion
from shared.documents.rules.job import container_rules
from shared.documents.rules.texts import text_rules
from shared.documents.rules.variables import job_variables, setup_variables
from shared.documents.rules.volumes import volume_rules

Rule = Callable[[Raw], Findings]

JOB_RULES: tuple[Rule, ...] = (
    *toolkits.RULES,
    rules_job.cluster_rules,
    rules_job.duration_rules,
    container_rules,
    directory_rules,
    environment_rules,
    expansion_rules,
    expanded_path_rules,
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
