"""Documents that are accepted, with paths as nasty as they can be: on the node nothing leaves its root."""

import posixpath
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.documents.spec import JobSpec
from shared.environment.variables import job_paths
from shared.errors import LaunchError
from tests.support.documents import job
from tests.support.examples import examples
from tests.support.placements import placement

ROOT = "$AZ_BATCHAI_JOB_MOUNT_ROOT"
#: What rules let pass in any path; the variables may hold anything that an input's path may.
PLAIN = [
    "a",
    "b c",
    "...",
    "..a",
    "%2e%2e",
    "~",
    "$AZ_BATCHAI_INPUT_X",
    "${AZ_BATCHAI_INPUT_Y}",
    "$NOWHERE",
    "$$",
]
#: What may be in the path of an input only, or is refused.
ODD = ["..", "..", ".", "", "\\..", "\uff0e\uff0e", "\u2024\u2024", "a\0", "\u202e.."]
FOLDERS = st.lists(st.sampled_from(PLAIN), min_size=1, max_size=4).map("/".join)
INPUTS = st.lists(st.sampled_from([*PLAIN, *ODD[:4]]), min_size=1, max_size=5).map("/".join)
NASTY = st.lists(st.sampled_from([*PLAIN, *ODD]), min_size=1, max_size=5).map("/".join)


def documents(folders: st.SearchStrategy[str], inputs: st.SearchStrategy[str]) -> Any:
    """Documents with a folder of every kind."""
    rooted = folders.map(lambda path: f"{ROOT}/{path}")
    either = inputs | inputs.map(lambda path: f"{ROOT}/{path}")
    return st.builds(
        lambda logs, x, y, prefix, suffix: {
            "stdOutErrPathPrefix": logs,
            "inputDirectories": [{"id": "X", "path": x}, {"id": "Y", "path": y}],
            "outputDirectories": [{"id": "OUT", "pathPrefix": prefix, "pathSuffix": suffix}],
        },
        rooted,
        either,
        either,
        rooted,
        folders,
    )


def accepted(document: dict[str, Any]) -> JobSpec | None:
    spec: JobSpec | None = job(**document).spec
    return spec


def one_input(path: str, **more: Any) -> dict[str, Any]:
    plain = {"stdOutErrPathPrefix": f"{ROOT}/logs", "outputDirectories": []}
    return plain | {"inputDirectories": [{"id": "X", "path": path}]} | more


@settings(max_examples=examples(400))
@given(documents(FOLDERS, INPUTS) | documents(NASTY, NASTY))
@example(one_input("..", outputDirectories=[{"id": "OUT", "pathPrefix": f"{ROOT}/$AZ_BATCHAI_INPUT_X"}]))
@example(one_input(f"{ROOT}/$NOWHERE/.."))
@example(one_input(".", stdOutErrPathPrefix=f"{ROOT}/$AZ_BATCHAI_INPUT_X/$AZ_BATCHAI_INPUT_X"))
def test_nothing_leaves_its_root(document: dict[str, Any]) -> None:
    spec = accepted(document)
    if spec is None:
        return
    here = placement()
    try:
        paths = job_paths(spec, here)
    except LaunchError as error:
        assert "comes out as" in str(error)
        return
    root = here.layout.job_mount_root
    confined = [paths.logs, *paths.outputs.values()]
    confined += [paths.inputs[i.id] for i in spec.input_directories if i.path.startswith(f"{ROOT}/")]
    for path in confined:
        whole = posixpath.normpath(path)
        assert whole == root or whole.startswith(f"{root}/"), path
