"""Microsoft's runtime of the function app, given what the Functions host gives it: run by the interpreter of
.venvs/functions in the app's own folder. Prints a line of JSON for each request, the first unasked:

    {"functions": [names], "python": version, "seconds": of start}      or {"failed": message}
    <- {"function": name, "input": {...}, "metadata": {...}}
    -> {"result": {...}, "returned": {...}}

Each message is given to the runtime as its gRPC worker gives it: made of the bytes that the host would send.
"""

import asyncio
import base64
import json
import runpy
import sys
import time
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure_functions_runtime as runtime
from google.protobuf import json_format

# Nothing of the checkout may be found by an import: the package is what is tried.
messages: Any = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("function_messages.py"))))


def sent(**content: Any) -> SimpleNamespace:
    """A request as the runtime's handlers take it."""
    whole = messages.StreamingMessage(request_id=uuid.uuid4().hex, **content)
    read = messages.StreamingMessage.FromString(whole.SerializeToString())
    return SimpleNamespace(request=read, properties={"protos": messages, "host": "127.0.0.1"})


def received(name: str, answer: Any) -> Any:
    """The answer as the host reads it."""
    whole = messages.StreamingMessage(**{name: answer})
    return getattr(messages.StreamingMessage.FromString(whole.SerializeToString()), name)


async def started() -> dict[str, Any]:
    """The names of the functions with their ids."""
    request = messages.WorkerInitRequest(host_version="4.1", function_app_directory=str(Path.cwd()))
    answer = received(
        "worker_init_response", await runtime.worker_init_request(sent(worker_init_request=request))
    )
    checked(answer.result)
    asked = messages.FunctionsMetadataRequest(function_app_directory=str(Path.cwd()))
    found = await runtime.functions_metadata_request(sent(functions_metadata_request=asked))
    listed = received("function_metadata_response", found).function_metadata_results
    for each in listed:
        load = messages.FunctionLoadRequest(function_id=each.function_id, metadata=each)
        loaded = await runtime.function_load_request(sent(function_load_request=load))
        checked(received("function_load_response", loaded).result)
    return {each.name: each for each in listed}


def checked(result: Any) -> None:
    if result.status != messages.StatusResult.Success:
        raise RuntimeError(result.exception.message)


def typed(value: dict[str, Any]) -> Any:
    """TypedData of JSON: {"string": ...}, {"json": ...} or {"http": ...}."""
    return json_format.ParseDict(value, messages.TypedData())


async def called(function: Any, asked: dict[str, Any]) -> dict[str, Any]:
    trigger = next(name for name, info in function.bindings.items() if info.type.endswith("Trigger"))
    request = messages.InvocationRequest(
        invocation_id=str(uuid.uuid4()),
        function_id=function.function_id,
        input_data=[messages.ParameterBinding(name=trigger, data=typed(asked["input"]))],
        trigger_metadata={name: typed(value) for name, value in asked.get("metadata", {}).items()},
    )
    answer = received(
        "invocation_response", await runtime.invocation_request(sent(invocation_request=request))
    )
    assert answer.invocation_id == request.invocation_id
    done = json_format.MessageToDict(answer, preserving_proto_field_name=True)
    returned = done.get("return_value", {})
    body = returned.get("http", {}).get("body", {})
    if "bytes" in body:
        body["text"] = base64.b64decode(body.pop("bytes")).decode()
    return {"result": done.get("result", {}), "returned": returned}


async def main() -> None:
    begun = time.monotonic()
    runtime.start_threadpool_executor()
    try:
        functions = await started()
    except RuntimeError as error:
        say({"failed": str(error)})
        return
    say(
        {
            "functions": sorted(functions),
            "python": sys.version.split()[0],
            "seconds": time.monotonic() - begun,
        }
    )
    for line in sys.stdin:
        asked = json.loads(line)
        say(await called(functions[asked["function"]], asked))
    runtime.stop_threadpool_executor()


def say(document: dict[str, Any]) -> None:
    print(json.dumps(document), flush=True)


if __name__ == "__main__":
    sys.path.append(str(Path.cwd()))
    asyncio.run(main())
