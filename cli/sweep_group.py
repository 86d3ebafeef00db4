"""The group `batchai sweep`, and what its commands share."""

from cli.options import group, in_experiment, in_workspace, name_option

sweeps = group(None, "sweep", "Sweeps: one job document with parameters, many runs.")
name = name_option("sweep", "-s", "--sweep")
where = (in_workspace, in_experiment)
#: States in which a sweep does not change any more.
ENDED = ("succeeded", "failed", "terminated")
