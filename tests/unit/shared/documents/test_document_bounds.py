"""Reading any document takes time and memory in proportion to its length, whatever it is made of."""

import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from shared.documents.parse import parse_job
from shared.errors import Severity
from tests.support.documents import JOB, changed, job, problems_of
from tests.support.examples import examples
from tests.support.steps import steps

#: As long as a document may be, with all examples; else an eighth of it, in an eighth of the memory.
LONGEST = examples(512) * 1024
MOST_MEMORY = examples(64) * 1024 * 1024
#: What one that is read twice as long is compared with.
SHORT = max(5_000, examples(12_000))
#: 1,900 folders deep, as long as a path may be.
DEEP = "/".join("a" * 1_900)


def _share(number: int) -> dict[str, Any]:
    return {"azureFileUrl": "https://acct.file.core.windows.net/logs", "relativeMountPath": f"v{number}"}


#: Where a list stands in a job, and entry number n of it.
LISTS: dict[str, tuple[str, Callable[[int], Any]]] = {
    "shares": ("azureFileShares", _share),
    "shares that are wrong in every way": (
        "azureFileShares",
        lambda n: {"azureFileUrl": "?", "relativeMountPath": "../v", "fileMode": "x", "directoryMode": "x"},
    ),
    "shares at deep folders": (
        "azureFileShares",
        lambda n: _share(n) | {"relativeMountPath": f"v{n}/{DEEP}"},
    ),
    "containers": (
        "azureBlobFileSystems",
        lambda n: {"accountName": "acct", "containerName": "data", "relativeMountPath": f"v{n}"},
    ),
    "file servers": ("fileServers", lambda n: {"fileServer": {"id": "h"}, "relativeMountPath": f"v{n}"}),
    "mount commands": ("unmanagedFileSystems", lambda n: {"mountCommand": "m", "relativeMountPath": f"v{n}"}),
    "inputs": ("inputDirectories", lambda n: {"id": f"i{n}", "path": f"$AZ_BATCHAI_INPUT_i{n - 1}/x"}),
    "outputs": ("outputDirectories", lambda n: {"id": f"o{n}", "pathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/b"}),
    "variables": ("environmentVariables", lambda n: {"name": f"V{n}", "value": f"$V{n - 1}$AZ_BATCHAI_{n}"}),
    "secrets": ("secrets", lambda n: {"name": f"S{n}", "value": "x"}),
    "strange members": ("inputDirectories", lambda n: {"strange": 0}),
    "things that are no entries": ("inputDirectories", lambda n: [[[0]]]),
}
_VOLUMES = ("azureFileShares", "azureBlobFileSystems", "fileServers", "unmanagedFileSystems")


def _document(name: str, size: int) -> str:
    """A job.json of about `size` bytes with a list of `name`."""
    key, entry = LISTS[name]
    number = (size - 1_000) // (len(json.dumps(entry(9_999))) + 2)
    entries = [entry(n) for n in range(number)]
    members = {"mountVolumes": {key: entries}} if key in _VOLUMES else {key: entries}
    return json.dumps({"properties": changed(JOB, **members)})


def _many_of_both(size: int) -> str:
    """Outputs that may lie on any of many volumes."""
    outputs = json.loads(_document("outputs", size // 2))["properties"]["outputDirectories"]
    mounts = json.loads(_document("mount commands", size // 2))["properties"]["mountVolumes"]
    return json.dumps({"properties": changed(JOB, outputDirectories=outputs, mountVolumes=mounts)})


@pytest.mark.parametrize("name", [*LISTS, "outputs and volumes"])
def test_twice_as_long_takes_twice_the_steps(name: str) -> None:
    def document(size: int) -> str:
        return _many_of_both(2 * size) if name == "outputs and volumes" else _document(name, size)

    small, large = document(SHORT), document(2 * SHORT)
    parse_job(document(2_000))  # what is made once
    assert steps(lambda: parse_job(large)) < 2.6 * steps(lambda: parse_job(small))


@pytest.mark.parametrize("name", ["shares at deep folders", "shares that are wrong in every way"])
def test_the_longest_document_is_read_within_64_mib(name: str) -> None:
    document = _document(name, LONGEST).encode()
    assert 0.9 * LONGEST < len(document) <= LONGEST
    tracemalloc.start()
    try:
        parse_job(document)
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()


def test_more_volumes_than_a_node_can_mount_are_refused() -> None:
    volumes = [{"mountCommand": "m", "relativeMountPath": f"v{n}"} for n in range(101)]
    assert problems_of(job(mountVolumes={"unmanagedFileSystems": volumes[:100]}), Severity.ERROR) == []
    assert problems_of(job(mountVolumes={"unmanagedFileSystems": volumes}), Severity.ERROR) == [
        "mountVolumes: mountVolumes holds 101 volumes; at most 100 can be mounted. "
        "Mount fewer shares or containers, and use folders in them."
    ]


def test_a_path_of_more_parts_than_a_node_walks_is_refused() -> None:
    folder = {"id": "O", "pathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/logs", "pathSuffix": "/".join("a" * 130)}
    assert problems_of(job(outputDirectories=[folder])) == [
        "outputDirectories[0].pathSuffix: pathSuffix must not have more than 128 parts. "
        "Write a folder such as models."
    ]
