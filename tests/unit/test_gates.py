"""Gates are gates: only managers write rows, messages and documents; only one module changes a Job."""

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

from tests.support.sources import files, nodes, parsed

ROOT = Path(__file__).parents[2]
#: SDK methods that change something.
_SDK_WRITES = {
    "create_entity",
    "update_entity",
    "upsert_entity",
    "delete_entity",
    "submit_transaction",
    "send_message",
    "receive_message",
    "update_message",
    "delete_message",
    "create_queue",
    "delete_queue",
    "upload_blob",
    "delete_blob",
    "create_container",
    "break_lease",
}
#: Attributes by which a store is reached from outside: those of managers and of Backend.
_STORES = {
    "job_table": "jobs",
    "job_queues": "queues",
    "ended_jobs": "ended",
    "document_blobs": "documents",
    "cluster_table": "table",
    "node_table": "table",
    "workspace_table": "table",
    "gang_table": "table",
    "poison_queue": "poison",
    "scaling_table": "scaling",
}


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in nodes(tree) if isinstance(node, ast.Call))


def writing_methods(tree: ast.Module) -> set[str]:
    """The public methods of a store's classes that change something, themselves or by another one."""
    functions = {
        node.name: {c.func.attr for c in _calls(node) if isinstance(c.func, ast.Attribute)}
        for each in tree.body
        if isinstance(each, ast.ClassDef)
        for node in each.body
        if isinstance(node, ast.FunctionDef)
    }
    writing = {name for name, called in functions.items() if called & _SDK_WRITES}
    while more := {n for n, called in functions.items() if called & writing} - writing:
        writing |= more
    return {name for name in writing if not name.startswith("_")}


@functools.cache
def gates() -> dict[str, set[str]]:
    """Attribute that holds a store -> its writing methods."""
    found: dict[str, set[str]] = {}
    for module, attribute in _STORES.items():
        tree = ast.parse((ROOT / f"shared/stores/{module}.py").read_text())
        found.setdefault(attribute, set()).update(writing_methods(tree))
    return found


def reached_through(source: str) -> list[str]:
    """Calls of writing methods on an attribute or a name that holds a store."""
    known, found = gates(), []
    if not any(f".{method}(" in source for methods in known.values() for method in methods):
        return []  # parsing is what takes the time
    for call in _calls(parsed(source)):
        if isinstance(call.func, ast.Attribute):
            holder = call.func.value
            name = (
                holder.attr
                if isinstance(holder, ast.Attribute)
                else holder.id
                if isinstance(holder, ast.Name)
                else ""
            )
            if call.func.attr in known.get(name.lstrip("_"), ()):
                found.append(f"{name}.{call.func.attr}")
    return found


@functools.cache
def store_classes() -> frozenset[str]:
    """The classes that are made over a connection."""
    found = set()
    for module in _STORES:
        for each in ast.parse((ROOT / f"shared/stores/{module}.py").read_text()).body:
            if isinstance(each, ast.ClassDef):
                made = [f for f in each.body if isinstance(f, ast.FunctionDef) and f.name == "__init__"]
                found |= {each.name} if made else set()
    return frozenset(found)


def made_stores(source: str) -> list[str]:
    """Store classes that are made: whoever makes one can write with it."""
    if not any(f"{name}(" in source for name in store_classes()):
        return []
    names = (c.func.id for c in _calls(parsed(source)) if isinstance(c.func, ast.Name))
    return [name for name in names if name in store_classes()]


#: Names that a Job has.
_JOBS = {"job", "new", "run", "existing", "found", "current", "ended", "held", "wanted", "written", "claimed"}
#: Fields that a Job alone has, or only a Job's holder would change.
_FIELDS = {
    "state_since",
    "enqueued",
    "max_attempts",
    "message_id",
    "owner",
    "retry_at",
    "attempt",
    "deleting",
}


def changed_jobs(source: str) -> list[str]:
    """`replace(<a job>, ...)` that makes another job than was read; what only compares or shows is none."""
    found: list[str] = []
    if "replace(" not in source:
        return found
    for call in _calls(parsed(source)):
        if not (isinstance(call.func, ast.Name) and call.func.id == "replace" and call.args):
            continue
        fields = {keyword.arg for keyword in call.keywords}
        first = ast.unparse(call.args[0]).rpartition(".")[2].lstrip("_")
        if first in _JOBS and fields & (_FIELDS - {"deleting"} | {"state", "uuid"}) and "etag" not in fields:
            found.append(ast.unparse(call))
    return found


@functools.cache
def _text(path: Path) -> str:
    return path.read_text()


def _modules(*folders: str) -> Iterator[tuple[str, str]]:
    for folder in folders:
        for path in files(folder):
            if path.suffix == ".py":
                yield str(path.relative_to(ROOT)), _text(path)
    yield "function_app.py", (ROOT / "function_app.py").read_text()


#: What a Backend is made of, and what tests call it by.
_PARTS = (
    r"\b(backend|services|manager|claims|attempts|clusters|cluster_manager|nodes|gangs|sweeper|workspaces"
    r"|cascading_deletion|lists|near_misses|documents|connection|queues|jobs|stores|keeper)(\(\w*\))?\._[a-z]\w*"
)


def test_tests_reach_stores_by_their_public_way() -> None:
    """tests/support/stores.py is that way: what is private may change without a test."""
    assert re.search(_PARTS, "world.backend.claims._queues.send(job)")
    modules = (path for path in files("tests") if path.suffix == ".py" and path != Path(__file__))
    sources = ((path, path.read_text()) for path in modules)
    reached = {path.name: found[0] for path, text in sources if (found := re.search(_PARTS, text))}
    assert reached == {}


def test_the_writing_methods_are_found() -> None:
    known = gates()
    assert {"insert", "update", "end", "prolong", "write", "delete", "delete_runs"} <= known["jobs"]
    assert {"send", "receive", "renew", "put_back", "delete", "remove", "provision"} <= known["queues"]
    assert {"put", "report", "forget", "wake_up", "join", "write_report", "begin_deletion"} <= known["table"]
    assert {"put_status", "put_accepted", "delete_dropped"} <= known["documents"]
    assert not {"get", "look", "list_jobs", "nodes", "read_dropped"} & set[str]().union(*known.values())


def test_only_managers_write() -> None:
    outside = {
        name: reached_through(source)
        for name, source in _modules("api", "runner", "cli", "local", "shared")
        if not name.startswith(("shared/managers/", "shared/stores/"))
        # Tools that are run alone: new keys for documents, the containers of an installation.
        and name not in ("shared/reseal.py", "shared/backend.py")
    }
    assert {name: calls for name, calls in outside.items() if calls} == {}


def test_stores_are_made_where_the_backend_is_put_together() -> None:
    outside = {
        name
        for name, source in _modules("api", "runner", "cli", "local", "shared")
        if made_stores(source) and name not in ("shared/backend.py", "shared/reseal.py")
    }
    assert outside == set()


def test_only_transitions_make_a_changed_job() -> None:
    outside = {
        name: changed_jobs(source)
        for name, source in _modules("api", "runner", "cli", "local", "shared")
        if name not in ("shared/jobs/transitions.py", "shared/managers/conflict_retry.py")
        # Rows as they are read and written.
        and not name.startswith("shared/stores/")
    }
    assert {name: calls for name, calls in outside.items() if calls} == {}


def test_what_reaches_through_a_gate_is_found() -> None:
    assert reached_through("self._manager.jobs.update(job)") == ["jobs.update"]
    assert reached_through("backend.clusters.table.report(row, etag)") == ["table.report"]
    assert reached_through("self._table.write_report(gang, member)") == ["_table.write_report"]
    assert reached_through("backend.clusters.table.get(row)") == []
    assert made_stores("table = JobTable(connection)") == ["JobTable"]
    assert changed_jobs("self._jobs.update(replace(job, enqueued=now, events=reported))")
    assert changed_jobs("replace(self._job, state=State.FAILED)")
    assert changed_jobs("replace(lease, message_id=other)") == []
