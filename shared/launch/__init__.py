"""From a job document and a placement to the processes to start, one module per toolkit. PURE.

The runner and `batchai explain` import `planning`; a toolkit imports `plan` and what it shares.
"""
