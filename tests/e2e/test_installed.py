"""What is built of this checkout, installed elsewhere: the code is whole, and it runs jobs."""

import json
import shutil
import subprocess
import tarfile
import tomllib
import zipfile
from pathlib import Path

from local.layout import StackState
from tests.support import runners
from tests.support.distribution import PROJECT, install, run
from tests.support.needs import need
from tests.support.stack_client import ROOT, StackClient, job

PACKAGES = ("api", "cli", "local", "runner", "shared")
#: Read while it runs, beside the code.
DATA = {"local/node/package.json", "local/node/package-lock.json", "local/node/azurite_hooks.js"}
SCHEMAS = {"schemas/cluster.json", "schemas/event.json", "schemas/job.json", "schemas/sweep.json"}
# Imports every installed module of the packages it is given; prints what went wrong.
IMPORT_ALL = """
import importlib, importlib.metadata, sys, traceback
from pathlib import Path
names = []
for file in importlib.metadata.files("batchai-serverless"):
    parts = file.with_suffix("").parts
    if file.suffix == ".py" and parts[0] in sys.argv[1:]:
        names.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
for name in names:
    try:
        module = importlib.import_module(name)
        assert Path(module.__file__).is_relative_to(sys.prefix), module.__file__
    except ModuleNotFoundError as error:
        if error.name != "opentelemetry" or not name.startswith("shared.telemetry."):  # the extra "telemetry"
            print(name, error)
    except BaseException:
        print(name, traceback.format_exc(limit=-2))
print(len(names), "modules")
"""


def imported(programs: Path, folder: Path, *packages: str) -> str:
    return run([str(programs / "python"), "-P", "-c", IMPORT_ALL, *packages], folder)


def modules(*packages: str) -> set[str]:
    """The files of these packages in the checkout."""
    found = {path.relative_to(PROJECT) for package in packages for path in (PROJECT / package).rglob("*.py")}
    return {path.as_posix() for path in found if "node_modules" not in path.parts}


def console() -> set[str]:
    """The files of the console, which are built before the wheel is."""
    folder = PROJECT / "api/console_files"
    found = {path.relative_to(PROJECT).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert "api/console_files/index.html" in found, "make console"
    return found


def test_everything_that_is_read_travels(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[0]) as archive:
        source = {name.partition("/")[2] for name in archive.getnames()}
    with zipfile.ZipFile(built[1]) as wheel_file:
        names = wheel_file.namelist()
    wheel = {name.partition(".data/data/share/batchai/")[2] or name for name in names}
    wanted = modules(*PACKAGES) | DATA | SCHEMAS | console() | {"function_app.py"}
    assert {name for name in wheel if ".dist-info/" not in name} == wanted
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in wheel)
    more = {"LICENSE", "README.md", "constraints.txt", "requirements.txt", "pyproject.toml", "host.json"}
    assert wanted | more <= source


def test_a_node_imports_all_of_it(node: Path, elsewhere: Path) -> None:
    packages = ("api", "runner", "shared")
    assert imported(node, elsewhere, *packages, "function_app") == f"{len(modules(*packages)) + 1} modules\n"
    assert "--cluster CLUSTER" in run([str(node / "python"), "-P", "-m", "runner", "--help"], elsewhere)
    assert "mends" in run([str(node / "python"), "-P", "-m", "runner.doctor", "--help"], elsewhere)


def test_a_node_runs_a_job(node: Path, elsewhere: Path, stack: StackState, client: StackClient) -> None:
    client.drop_cluster("installed")
    python = (str(node / "python"), "-P")
    with runners.runner(stack, "installed", runners.premounted(stack), python, elsewhere):
        document = job("echo said > $AZ_BATCHAI_OUTPUT_X/file; echo ran", cluster={"id": "installed"})
        output = {"id": "X", "pathPrefix": "$AZ_BATCHAI_JOB_MOUNT_ROOT/logs", "pathSuffix": "x"}
        document["properties"]["outputDirectories"] = [output]
        client.drop("jobs", "default/installed/job/job.json", document)
        client.await_state("default/installed/job", "succeeded")
    _, resource = client.get(f"{ROOT}/default/experiments/installed/jobs/job")
    segment = resource["properties"]["jobOutputDirectoryPathSegment"]
    assert client.log(segment) == b"ran\n"
    file = client.shares.get_share_client("logs").get_file_client(f"{segment}/outputs/x/file")
    assert file.download_file().readall() == b"said\n"


def python_of_the_function_app() -> str:
    """An interpreter of 3.13, the function app's version; skips where there is none."""
    candidates = [shutil.which("python3.13"), *sorted(Path.home().glob(".pyenv/versions/3.13*/bin/python3"))]
    for found in filter(None, candidates):
        said = subprocess.run(
            [str(found), "-c", "import sys; print(sys.version_info[:2])"], capture_output=True
        )
        if said.stdout == b"(3, 13)\n":
            return str(found)
    need("no Python 3.13 here: apt, pyenv install 3.13, or uv python install 3.13")
    raise AssertionError("need ends the test")


def test_everything_is_imported_by_3_13_too(
    tmp_path: Path, built: tuple[Path, Path], elsewhere: Path
) -> None:
    run([python_of_the_function_app(), "-m", "venv", "--without-pip", str(tmp_path / "node")], tmp_path)
    programs = tmp_path / "node" / "bin"
    install(programs, f"{built[0]}[runner,cli]")  # the source distribution, where the others take the wheel
    packages = ("api", "cli", "runner", "shared")
    assert (
        imported(programs, elsewhere, *packages, "function_app") == f"{len(modules(*packages)) + 1} modules\n"
    )
    assert "--cluster CLUSTER" in run([str(programs / "python"), "-P", "-m", "runner", "--help"], elsewhere)
    assert "mends" in run([str(programs / "python"), "-P", "-m", "runner.doctor", "--help"], elsewhere)
    assert "Usage: batchai" in run([str(programs / "batchai"), "--help"], elsewhere)


def test_with_the_other_extras_too(node: Path, elsewhere: Path, built: tuple[Path, Path]) -> None:
    # The extra `local` without Node, whose 60 MB no module of ours imports.
    pinned = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"][
        "local"
    ]
    local = [word for word in pinned if not word.startswith(("batchai-serverless", "nodejs"))]
    install(node, f"{built[1]}[cli]", *local)
    assert imported(node, elsewhere, "cli", "local") == f"{len(modules('cli', 'local'))} modules\n"
    assert "Usage: batchai" in run([str(node / "batchai"), "--help"], elsewhere)
    # Without settings there is something to mend, and the report is that of the installed code.
    assert json.loads(run([str(node / "batchai"), "doctor", "--output", "json"], elsewhere, 1))
