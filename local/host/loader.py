"""Import function_app.py and check it as the Python worker does, so that a faulty app fails at start.

The rules are the worker's: one app object, unique names, every parameter bound, annotations that fit.
"""

import importlib.util
import inspect
import sys
import typing
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import azure.functions as func

from local.host import sdk
from local.host.errors import HostError
from local.host.model import BlobTrigger, Function, HttpTrigger, QueueTrigger, TimerTrigger, Trigger
from local.host.settings import fill_in

_KINDS = ("blobTrigger", "queueTrigger", "timerTrigger", "httpTrigger")


def load_functions(directory: Path, environment: Mapping[str, str]) -> list[Function]:
    """Import DIRECTORY/function_app.py (once per process) and index it.

    Raises HostError for what the app did wrong; an exception of its own code is the error's cause.
    """
    app = _app(_import(directory))
    get_functions: Any = app.get_functions
    try:
        indexed = get_functions()
    except Exception as error:
        raise HostError(
            f"The functions cannot be indexed: {error}", "Mend the decorators in the app."
        ) from error
    functions = [_function(item, environment) for item in indexed]
    if not functions:
        raise HostError("The app defines no functions.", "Decorate one, or register the blueprints.")
    return functions


def _import(directory: Path) -> ModuleType:
    path = directory / "function_app.py"
    if not path.is_file():
        raise HostError(f"There is no function_app.py in {directory}.", "Point --app at the app's directory.")
    # Last on the path, as with Core Tools: an installed package wins over one of the app with the same name.
    sys.path.append(str(directory))
    spec = importlib.util.spec_from_file_location("function_app", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["function_app"] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise HostError(
            f"function_app.py could not be imported: {type(error).__name__}: {error}",
            "Mend what the traceback above names; a missing module belongs into requirements.txt, and "
            "settings are better read inside functions than at import.",
        ) from error
    return module


def _app(module: ModuleType) -> func.FunctionRegister:
    apps = [(name, value) for name, value in vars(module).items() if isinstance(value, func.FunctionRegister)]
    if not apps:
        raise HostError(
            "function_app.py has no FunctionApp at its top level.", "Write app = func.FunctionApp() there."
        )
    if len(apps) > 1:
        names = ", ".join(name for name, _ in apps)
        raise HostError(
            f"More than one FunctionApp is defined at the top level of function_app.py: {names}.",
            "Keep one name for one app; use func.Blueprint for the others.",
        )
    return apps[0][1]


def _function(item: Any, environment: Mapping[str, str]) -> Function:
    name = str(item.get_function_name())
    call = item.get_user_function()
    bindings = [dict(binding) for binding in item.get_bindings_dict()["bindings"]]
    triggers = [binding for binding in bindings if binding["type"] in _KINDS]
    others = [
        b for b in bindings if b not in triggers and not (b["type"] == "http" and b["name"] == "$return")
    ]
    if others or len(triggers) != 1:
        kinds = ", ".join(str(b["type"]) for b in others) or "no trigger known here"
        raise HostError(
            f"Function {name} uses {kinds}, which this stand-in does not have.",
            f"It has {', '.join(_KINDS)} and HTTP answers. Use the storage SDK instead of other "
            "bindings, or run the app with Core Tools (func start).",
        )
    binding = triggers[0]
    argument = str(binding["name"])
    wants_context, annotation = _check_parameters(name, call, argument)
    _check_annotation(name, argument, str(binding["type"]), annotation)
    return Function(
        name=name,
        call=call,
        trigger=_trigger(name, binding, environment),
        argument=argument,
        wants_bytes=annotation is bytes,
        wants_context=wants_context,
        is_async=inspect.iscoroutinefunction(call),
        directory=str(Path(inspect.getfile(inspect.unwrap(call))).parent),
    )


def _check_parameters(name: str, call: Any, argument: str) -> tuple[bool, object]:
    """Whether `context` is asked for, and the annotation of the trigger's parameter (None without one)."""
    parameters = set(inspect.signature(call).parameters)
    try:
        hints = typing.get_type_hints(call)
    except Exception as error:
        raise HostError(
            f"The annotations of function {name} cannot be read: {type(error).__name__}: {error}",
            "Import the types they name at run time, not only under TYPE_CHECKING.",
        ) from error
    wants_context = "context" in parameters and argument != "context"
    bound = {argument, "context"} if wants_context else {argument}
    if extra := sorted(parameters - bound):
        raise HostError(
            f"Function {name}: {', '.join(extra)} is declared in Python but not in the function definition.",
            "A parameter must be bound by a decorator, even with a default; take others from the module.",
        )
    if argument not in parameters:
        raise HostError(
            f"Function {name}: '{argument}' is declared as a binding but is no parameter in Python.",
            "Give the parameter the name that the decorator's arg_name says.",
        )
    if wants_context and getattr(hints.get("context", func.Context), "__name__", "") != "Context":
        raise HostError(f"Function {name}: 'context' is not a func.Context.", "Annotate it so, or rename it.")
    return wants_context, hints.get(argument)


def _check_annotation(name: str, argument: str, kind: str, annotation: object) -> None:
    if annotation is None or (annotation is bytes and kind in ("blobTrigger", "queueTrigger")):
        return
    fits = isinstance(annotation, type) and annotation not in (str, bytes)
    if not fits or not sdk.converter(kind).check_input_type_annotation(annotation):
        shown = getattr(annotation, "__name__", repr(annotation))
        raise HostError(
            f"Function {name}: the type of '{argument}', {shown}, does not match its {kind}.",
            "Use func.InputStream, func.QueueMessage, func.TimerRequest, func.HttpRequest (or bytes).",
        )


def _trigger(name: str, binding: Mapping[str, Any], environment: Mapping[str, str]) -> Trigger:
    def text(key: str) -> str:
        return fill_in(str(binding.get(key) or ""), environment, f"{key} of function {name}")

    kind = binding["type"]
    if kind == "blobTrigger":
        return BlobTrigger(text("path"), text("connection"), text("source") == "EventGrid")
    if kind == "queueTrigger":
        return QueueTrigger(text("queueName"), text("connection"))
    if kind == "timerTrigger":
        monitor = binding.get("useMonitor")
        return TimerTrigger(
            text("schedule"), bool(binding.get("runOnStartup")), monitor is None or bool(monitor)
        )
    methods = frozenset(str(m).upper() for m in binding.get("methods") or ())
    return HttpTrigger(str(binding.get("route") or ""), methods)
