"""One attempt of one job on this node, from volumes to outcome.

`job_runner` is its course, `execution` what happens between volumes and outcome.
The agent and the gang import it; it knows nothing of other nodes but `peers`.
"""
