"""Which tests run beside which: the parts that `make test` hands to its workers, the longest first.

A part runs in one worker, one test after the other: its tests share a stack or need the same port.
Where nothing is said here, a file is a part.
"""

#: Beginning of a path -> part. The order is that in which they begin; what is not named comes last.
PARTS = {
    "tests/e2e/chaos": "chaos",
    "tests/e2e/test_gangs.py": "ports of a node",  # 2222 and the next ones on 127.0.0.x
    "tests/e2e/engines": "ports of a node",
    "tests/integration/ssh": "ports of a node",
    "tests/integration/mounts": "file servers",  # SMB's 445, NFS' 2049
    "tests/e2e/test_volumes.py": "file servers",
    "tests/e2e/clients": "clients",
    "tests/integration/runner": "runner",
    "tests/e2e/test_containers.py": "containers",
    "tests/e2e/test_installed.py": "installed",  # one wheel is built and installed for both
    "tests/e2e/test_tokens.py": "installed",
}


def part_of(path: str) -> tuple[int, str]:
    """(place in the order, name) of the part that the test file `path` belongs to."""
    for place, (beginning, name) in enumerate(PARTS.items()):
        if path.startswith(beginning):
            return place, name
    return len(PARTS), path
