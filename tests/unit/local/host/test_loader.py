"""local.host.loader: what the Python worker refuses is refused here, with the reason."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.host.errors import HostError
from local.host.loader import load_functions
from local.host.model import BlobTrigger, Function, HttpTrigger, QueueTrigger, TimerTrigger

PREAMBLE = "import azure.functions as func\napp = func.FunctionApp()\n"
GOOD = '@app.route(route="{0}")\ndef {1}(req: func.HttpRequest) -> str: return "x"\n'


@pytest.fixture(autouse=True)
def clean_imports(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "path", list(sys.path))
    had = sys.modules.pop("function_app", None)
    yield
    sys.modules.pop("function_app", None)
    if had is not None:
        sys.modules["function_app"] = had


def load(tmp_path: Path, text: str, **environment: str) -> list[Function]:
    (tmp_path / "function_app.py").write_text(text)
    return load_functions(tmp_path, environment)


def blob(path: str, definition: str = "def f(b): ...") -> str:
    return PREAMBLE + f'@app.blob_trigger(arg_name="b", path="{path}", connection="X")\n{definition}\n'


@pytest.mark.parametrize(
    ("app", "message"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("import os; os.environ['NOT_SET']", "KeyError: 'NOT_SET'"),
        ("def broken(:", "SyntaxError"),
        ("raise SystemExit(0)", "SystemExit"),
        ("x = 1", "no FunctionApp"),
        (PREAMBLE, "defines no functions"),
        (
            PREAMBLE + "again = app\n",
            "More than one FunctionApp is defined at the top level of function_app.py: app, again",
        ),
        (PREAMBLE + "app2 = func.FunctionApp()\n", "More than one FunctionApp"),
        (PREAMBLE + GOOD.format("a", "same") + GOOD.format("b", "same"), "unique function name"),
        (
            PREAMBLE + '@app.route(route="a")\ndef f(req, settings=None): ...\n',
            "settings is declared in Python",
        ),
        (PREAMBLE + '@app.route(route="a")\ndef f(req, *more): ...\n', "more is declared in Python"),
        (PREAMBLE + '@app.route(route="a")\ndef f(request): ...\n', "request is declared in Python"),
        (PREAMBLE + '@app.route(route="a")\ndef f(): ...\n', "'req' is declared as a binding"),
        (
            PREAMBLE + '@app.route(route="a")\ndef f(req: func.InputStream): ...\n',
            "does not match its httpTrigger",
        ),
        (PREAMBLE + '@app.route(route="a")\ndef f(req: "Nope"): ...\n', "NameError"),
        (
            PREAMBLE + '@app.route(route="a")\ndef f(req, context: int): ...\n',
            "'context' is not a func.Context",
        ),
        (blob("%NOPE%/x"), "'%NOPE%' in path of function f does not resolve"),
        (blob("c/x", "def f(b: str): ..."), "the type of 'b', str, does not match its blobTrigger"),
        (
            PREAMBLE
            + '@app.route(route="a")\n@app.queue_output(arg_name="o", queue_name="q", connection="J")\n'
            + "def f(req, o: func.Out[str]): ...\n",
            "uses queue, which this stand-in does not have",
        ),
    ],
)
def test_refuses_with_reason_and_advice(tmp_path: Path, app: str, message: str) -> None:
    with pytest.raises(HostError) as caught:
        load(tmp_path, app)
    assert message in str(caught.value)
    assert "What to do: " in str(caught.value)


def test_no_app_file(tmp_path: Path) -> None:
    with pytest.raises(HostError, match=r"There is no function_app\.py"):
        load_functions(tmp_path, {})


def test_reads_every_kind_of_trigger(tmp_path: Path) -> None:
    app = """
from __future__ import annotations
import functools
import azure.functions as func
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
bp = func.Blueprint()

def wrapped(call):
    @functools.wraps(call)
    def inner(*args, **kwargs):
        return call(*args, **kwargs)
    return inner

@bp.route(route="a/{id}", methods=["GET", func.HttpMethod.PUT])
@wrapped
def http(req: func.HttpRequest, context: func.Context) -> func.HttpResponse: ...

@app.function_name("renamed")
@app.blob_trigger(arg_name="b", path="%C%/{x}", connection="S", source="LogsAndContainerScan")
def polled(b: func.InputStream): ...

@app.blob_trigger(arg_name="b", path="c/{x}", connection="S", source=func.BlobSource.EVENT_GRID)
async def reported(b: bytes): ...

@app.queue_trigger(arg_name="m", queue_name="%C%-q", connection="S")
def queued(m): ...

@app.timer_trigger(arg_name="t", schedule="%C%", run_on_startup=True, use_monitor=False)
def timed(t: func.TimerRequest): ...

app.register_functions(bp)
"""
    functions = {function.name: function for function in load(tmp_path, app, C="jobs")}
    assert {name: f.trigger for name, f in functions.items()} == {
        "http": HttpTrigger("a/{id}", frozenset({"GET", "PUT"})),
        "renamed": BlobTrigger("jobs/{x}", "S", event_grid=False),
        "reported": BlobTrigger("c/{x}", "S", event_grid=True),
        "queued": QueueTrigger("jobs-q", "S"),
        "timed": TimerTrigger("jobs", run_on_startup=True, use_monitor=False),
    }
    assert functions["http"].wants_context
    assert not functions["reported"].wants_context
    assert (functions["reported"].is_async, functions["reported"].wants_bytes) == (True, True)
    assert functions["renamed"].function_id == "Host.Functions.renamed"
