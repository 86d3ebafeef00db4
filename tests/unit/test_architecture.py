"""What the contracts of pyproject.toml cannot say: which packages are pure, who knows the Azure SDK."""

import ast
import fnmatch
import functools
import sys

from tests.support.sources import PACKAGES, PROJECT, files, nodes, parsed, statements, texts, tree

#: A module is at most 250 lines long; the two that are left are nearly so, and whole.
MOST_LINES = 250
LONGER = {"shared.documents.json_reader.scanner": 259}

#: Values in, values out: no clock, environment, files or processes. Packages, and what all of them import.
PURE_PACKAGES = """
    shared.names shared.documents shared.environment shared.launch shared.jobs shared.scaling shared.explain
    shared.sweeps
    api.resources
"""
PURE = (
    " ".join(f"{package} {package}.*" for package in PURE_PACKAGES.split())
    + " shared.errors shared.settings shared.settings_reader shared.arm_settings shared.storage_settings"
    + " shared.event_settings"
    + " shared.times api.origins shared.telemetry.names shared.telemetry.trace_ids"
    + " shared.stores.row_keys runner.machine.trusted_path local.assignment"
)
#: Whose business models of documents are.
MAY_USE_PYDANTIC = """
    shared.documents.coercion shared.documents.json_schema shared.documents.models.* shared.documents.parse
    shared.documents.rules.toolkits shared.documents.secret_references shared.documents.spec
    shared.documents.codec shared.documents.validation shared.explain.explanation
"""
IMPURE = {
    "time",
    "os",
    "subprocess",
    "socket",
    "threading",
    "random",
    "secrets",
    "shutil",
    "tempfile",
    "glob",
}
IMPURE_CALLS = {"open", "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "Path", "print"}

#: who knows which part of the Azure SDK; everybody else none.
AZURE = {
    "shared.stores.*": "azure",
    "function_app": "azure.functions",
    "api.*": "azure.functions",
    "local.*": "azure",
    "cli.sign_in": "azure",
}
#: what function_app.py itself may import: it only registers.
FUNCTION_APP = ("api", "shared")


def is_one_of(module: str, patterns: str) -> bool:
    return any(fnmatch.fnmatchcase(module, pattern) for pattern in patterns.split())


def inside(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


@functools.cache
def pure_modules() -> list[str]:
    return [module for module in texts() if is_one_of(module, PURE)]


def _imports(module: str) -> set[str]:
    """Everything a module imports, wherever in it; `from shared import state` is shared.jobs.model."""
    found: set[str] = set()
    for node in statements(tree(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            members = {f"{node.module}.{alias.name}" for alias in node.names}
            modules = members & texts().keys()
            found |= modules if modules == members else modules | {str(node.module)}
    return found


@functools.cache
def imports() -> dict[str, set[str]]:
    return {module: _imports(module) for module in texts()}


def test_the_table_sees_the_project() -> None:
    assert len(texts()) > 80
    assert len(pure_modules()) > 40
    assert "shared.stores.job_table" in imports()["shared.managers.job_manager"]
    for pattern in f"{PURE} {MAY_USE_PYDANTIC}".split():
        assert any(is_one_of(module, pattern) for module in texts()), f"{pattern} names no module any more"


def _allowed_in_pure(module: str, imported: str) -> bool:
    root = imported.partition(".")[0]
    if root in PACKAGES:
        return is_one_of(imported, PURE)
    if root in ("pydantic", "pydantic_core"):
        return is_one_of(module, MAY_USE_PYDANTIC)
    return root in sys.stdlib_module_names and root not in IMPURE


def test_pure_modules_import_values_only() -> None:
    faults = [(m, i) for m in pure_modules() for i in imports()[m] if not _allowed_in_pure(m, i)]
    assert not faults


def test_pure_modules_call_no_clock_and_no_file() -> None:
    calls = {
        (module, ast.unparse(node.func))
        for module in pure_modules()
        for node in nodes(tree(module))
        if isinstance(node, ast.Call)
    }
    assert not [call for call in calls if call[1] in IMPURE_CALLS]


def test_the_function_app_knows_api_and_shared_only() -> None:
    roots = {imported.partition(".")[0] for imported in imports()["function_app"]} & set(PACKAGES)
    assert roots <= set(FUNCTION_APP)


def test_nobody_imports_the_function_app() -> None:
    assert not [module for module in texts() if "function_app" in imports()[module]]


def test_every_package_says_what_is_in_it_and_who_may_import_it() -> None:
    faces = {
        file.parent: file.read_text() for p in PACKAGES for file in files(p) if file.name == "__init__.py"
    }
    short = [
        str(folder.relative_to(PROJECT))
        for folder, text in faces.items()
        if len((ast.get_docstring(parsed(text)) or "").splitlines()) < 3 or "import" not in text
    ]
    assert not short


def test_the_command_knows_pure_modules_only() -> None:
    ours = {
        (m, i) for m in texts() if inside(m, "cli") for i in imports()[m] if i.partition(".")[0] in PACKAGES
    }
    assert not [(m, i) for m, i in ours if not inside(i, "cli") and not is_one_of(i, PURE)]


def test_only_the_stores_know_the_azure_sdk() -> None:
    def allowed(module: str, sdk: str) -> bool:
        return any(is_one_of(module, pattern) and inside(sdk, part) for pattern, part in AZURE.items())

    sdks = [(m, i) for m, imported in imports().items() for i in imported if inside(i, "azure")]
    assert not [(m, i) for m, i in sdks if not allowed(m, i)]


def test_imports_form_no_cycle() -> None:
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, "cycle: " + " -> ".join((*path[path.index(module) :], module))
        if module not in done:
            for imported in sorted(imports()[module] & texts().keys()):
                visit(imported, (*path, module))
            done.add(module)

    for module in texts():
        visit(module, ())


def test_modules_are_small_and_say_what_they_are() -> None:
    assert not [m for m in texts() if not ast.get_docstring(tree(m))]
    assert not [m for m, text in texts().items() if text.count("\n") > LONGER.get(m, MOST_LINES)]
    assert not [m for m in texts() if m.rpartition(".")[2] in ("util", "utils", "helpers", "misc", "common")]
