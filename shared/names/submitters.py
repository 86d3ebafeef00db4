"""Who submits, terminates or deletes, in one word for people. PURE.

A name that the identity provider gives (api/submitters.py), or one of those below, or what of the
installation itself did it ("sweep ws/experiment/name").
"""

#: Who has a function key; who needs none (the local stack).
KEY, NOBODY = "function key", "anonymous"
#: Who dropped a file: a blob does not say who wrote it.
STORAGE = "storage"
#: Whom nothing shows: a row of an earlier version, a token without a name.
UNKNOWN = "unknown"


def asked_by(who: str) -> str:
    """What an event of a job says of who has asked for it; "" where nobody knows."""
    return f"by {who}" if who else ""
