"""Which tests run beside which: the parts that `make test` hands to its workers, the longest first.

A part runs in one worker, its tests one after the other: they share a stack or need the same port.
Where nothing else is said a file is a part.
"""

#: Beginning of a path -> its part; None: each file is one. They begin in this order, the others after them.
PARTS = {
    # Gangs have servers at 2222, 20022 and the next ones on 127.0.0.1, .2 and so on.
    "tests/e2e/chaos/test_gangs.py": "ports of a node",
    "tests/e2e/chaos": "chaos",  # leases of seconds: not two such tests at once
    "tests/e2e/test_scaling.py": None,
    "tests/integration/test_runner_image.py": None,
    "tests/e2e/test_bare_machine.py": None,
    "tests/e2e/test_gangs.py": "ports of a node",
    "tests/e2e/engines": "ports of a node",
    "tests/integration/ssh": "ports of a node",
    "tests/e2e/test_toolkits.py": "ports of a node",
    "tests/e2e/test_gang_secrets.py": "ports of a node",
    "tests/e2e/test_own_clusters.py": "ports of a node",
    "tests/e2e/test_many_nodes.py": "ports of a node",
    "tests/e2e/console": "ports of a node",
    "tests/e2e/clients": "clients",
    "tests/integration/mounts": "file servers",  # SMB's 445, NFS' 2049
    "tests/e2e/test_guest_runner.py": "file servers",
    "tests/e2e/test_containers.py": None,
    "tests/integration/runner": None,
    "tests/e2e/test_installed.py": "installed",  # one wheel is built and installed for both
    "tests/e2e/test_tokens.py": "installed",
    "tests/unit/test_": "project",  # its sources are parsed once
}


def part_of(test: str) -> tuple[int, str]:
    """(place in the order, name) of the part that the test with the node id `test` belongs to."""
    path = test.partition("::")[0]
    for place, (beginning, name) in enumerate(PARTS.items()):
        if path.startswith(beginning):
            return place, name or path
    return len(PARTS), path
