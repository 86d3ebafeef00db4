"""What a document is worth before anybody submits it: its problems, and what would become of it. PURE.

One engine for `batchai lint`, `batchai explain` and `POST …/validate`.
api and cli import it.
"""
