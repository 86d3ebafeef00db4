"""Which tests run beside which: the parts that forks take (forked.py), the longest first. And which are
measured.

A part runs in one fork, its tests one after the other: they share a stack or need the same port.
Where nothing else is said a file is a part.
"""

from collections.abc import Iterable

#: Beginning of a test's id -> its part; None: each file is one. The longest beginning counts. They begin in
#: this order, the others after them.
PARTS = {
    # Jobs of these have servers at 2222, 20022 and the next ones on 127.0.0.1, .2 and so on.
    "tests/integration/ssh": "ports of a node",
    "tests/e2e/test_toolkits.py": "ports of a node",
    "tests/e2e/test_own_clusters.py": "ports of a node",
    "tests/e2e/test_many_nodes.py": "ports of a node",
    "tests/e2e/console": "ports of a node",
    "tests/e2e/engines": "ports of a node",
    "tests/e2e/test_scaling.py": None,
    "tests/integration/api": "function app",  # one for all of them
    "tests/e2e/test_bare_machine.py": None,
    "tests/e2e/chaos/test_gangs.py": "gangs that lose more",
    "tests/e2e/clients": "clients",
    "tests/e2e/chaos": "chaos",
    # One stack, which is started once, not in each fork that comes to a file of these.
    "tests/e2e/test_volumes.py": "stack",
    "tests/e2e/test_cli.py": "stack",
    "tests/e2e/test_pipeline.py": "stack",
    "tests/e2e/test_cluster.py": "stack",
    "tests/e2e/test_bad_input.py": "stack",
    "tests/e2e/test_doctor.py": "stack",
    "tests/e2e/test_containers.py": "stack",
    "tests/integration/test_runner_image.py": None,
    "tests/e2e/test_stack.py": None,
    # Leases of seconds. The arena of each has a network of its own, so nobody takes the ports of its nodes.
    "tests/e2e/chaos/test_gangs.py::test_the_leader": "gangs that lose their leader",
    "tests/e2e/chaos/test_random.py": None,
    "tests/integration/mounts": "file servers",  # SMB's 445, NFS' 2049
    "tests/e2e/test_guest_runner.py": "file servers",
    "tests/e2e/test_installed.py": "installed",  # one wheel is built and installed for both
    "tests/e2e/test_tokens.py": "installed",
    "tests/e2e/test_versions_together.py": None,
    "tests/e2e/test_gangs.py": "gangs",
    "tests/e2e/test_gang_secrets.py": "gangs",
    "tests/integration/runner/containers/test_containers.py": None,
    "tests/e2e/test_cli_stream.py": None,
    "tests/e2e/test_secrets.py": None,
    "tests/e2e/test_soak.py": None,
    "tests/integration/runner": None,
    "tests/unit/test_": "project",  # its sources are parsed once
    "tests/unit/shared/managers": None,
    "tests/unit/shared/documents": None,
}

#: Beginning of a test's id -> whether coverage is measured in it: where it adds to what others reach
#: (docs/adr/0452-coverage-is-measured-where-it-adds-something.md). The longest beginning counts.
MEASURED = {
    "tests": True,
    # Much work, and among them some dozens of lines that no other test reaches.
    "tests/integration/contract/test_contract_in_azurite.py": False,
    "tests/integration/files_emulator/test_streaming.py": False,
    "tests/integration/host/test_foreign_pages.py": False,
    "tests/integration/host/test_queue_trigger.py": False,
    "tests/integration/host/test_starting.py": False,
    "tests/integration/mounts/test_kernel_drivers.py": False,
    "tests/integration/protocol/test_lost_answers.py": False,
    "tests/integration/protocol/test_releases.py": False,
    "tests/integration/protocol/test_submit.py": False,
    "tests/integration/protocol/test_sweeper.py": False,
    "tests/integration/protocol/test_versions.py": False,
    "tests/integration/runner/test_finishing.py": False,
    "tests/integration/runner/test_job_runner.py": False,
    "tests/integration/runner/test_limits.py": False,
    "tests/integration/runner/test_log_trouble.py": False,
    "tests/integration/runner/test_metrics.py": False,
    "tests/integration/runner/test_path_of_a_job.py": False,
    "tests/integration/runner/test_settings_kept.py": False,
    "tests/integration/ssh/test_mpi.py": False,
    "tests/integration/test_drop_deliveries.py": False,
    "tests/integration/test_function_package.py": False,
    "tests/integration/test_hostile_rows.py": False,
    "tests/integration/test_job_lists.py": False,
    "tests/integration/test_runner_image.py": False,
    "tests/integration/test_secrets_at_rest.py": False,
    "tests/integration/test_table_transactions.py": False,
    "tests/integration/test_transport.py": False,
    "tests/integration/test_workspace_lists.py": False,
    "tests/e2e": False,
    # Nothing else starts the stack from the command line, and `batchai` in processes of its own.
    "tests/e2e/test_cli.py": True,
    "tests/e2e/test_stack.py::test_ctrl_c": True,
    "tests/e2e/test_stack.py::test_the_demo": True,
    "tests/e2e/test_stack.py::test_up": True,
}


def is_measured(test: str) -> bool:
    """Whether the test with the node id `test` is."""
    return MEASURED[_longest(test, MEASURED)]


def part_of(test: str) -> tuple[int, str]:
    """(place in the order, name) of the part that the test with the node id `test` belongs to."""
    path = test.partition("::")[0]
    if found := _longest(test, PARTS):
        part = PARTS[found]
        first = next(name for name in PARTS if name == found or (part and PARTS[name] == part))
        return list(PARTS).index(first), part or path
    return len(PARTS), path


def _longest(test: str, beginnings: Iterable[str]) -> str:
    return max((beginning for beginning in beginnings if test.startswith(beginning)), key=len, default="")
