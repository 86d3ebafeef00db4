"""The `batchai` command: one module per group of verbs.

It talks HTTP to an installation; `lint` and `explain` work on files alone.
Nobody imports it; it imports PURE packages of `shared` only.
"""
