"""From a job document and a placement to the processes to start, one module per toolkit. PURE.

`planning` is the entry point and lists the toolkits; `plan` has what it yields.
The runner and `batchai explain` import `planning`; a toolkit imports `plan` and what it shares.
"""
