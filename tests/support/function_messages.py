"""The messages between the Functions host and its Python worker, as far as tests speak them.

Names, numbers and types of the fields are those of the published protocol (FunctionRpc.proto of the language
workers); the protocol itself is in no package. Each class here is one of protobuf's own, so that a field of
another name or type is refused, and a message can be sent as bytes.
"""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_PACKAGE = "AzureFunctionsRpcMessages"
#: A message's fields, "name:number:type"; {x} is a map from strings to x, [x] a list of x, a group in the end
#: (/name) is a oneof.
_MESSAGES = {
    "StreamingMessage": "request_id:1:string worker_init_request:17:WorkerInitRequest/content "
    "worker_init_response:16:WorkerInitResponse/content "
    "functions_metadata_request:29:FunctionsMetadataRequest/content "
    "function_metadata_response:30:FunctionMetadataResponse/content "
    "function_load_request:8:FunctionLoadRequest/content "
    "function_load_response:9:FunctionLoadResponse/content "
    "invocation_request:4:InvocationRequest/content invocation_response:5:InvocationResponse/content",
    "WorkerInitRequest": "host_version:1:string capabilities:2:{string} worker_directory:4:string "
    "function_app_directory:5:string",
    "WorkerInitResponse": "capabilities:2:{string} result:3:StatusResult worker_metadata:4:WorkerMetadata",
    "WorkerMetadata": "runtime_name:1:string runtime_version:2:string worker_version:3:string "
    "worker_bitness:4:string custom_properties:5:{string}",
    "StatusResult": "status:4:StatusResult.Status result:1:string exception:2:RpcException",
    "RpcException": "source:3:string stack_trace:1:string message:2:string",
    "FunctionsMetadataRequest": "function_app_directory:1:string",
    "FunctionMetadataResponse": "function_metadata_results:1:[RpcFunctionMetadata] result:2:StatusResult "
    "use_default_metadata_indexing:3:bool",
    "RpcFunctionMetadata": "name:4:string directory:1:string script_file:2:string entry_point:3:string "
    "bindings:6:{BindingInfo} is_proxy:7:bool status:8:StatusResult language:9:string "
    "raw_bindings:10:[string] function_id:13:string managed_dependency_enabled:14:bool "
    "retry_options:15:RpcRetryOptions properties:16:{string}",
    "BindingInfo": "type:2:string direction:3:BindingInfo.Direction data_type:4:BindingInfo.DataType",
    "RpcRetryOptions": "max_retry_count:2:int32",
    "FunctionLoadRequest": "function_id:1:string metadata:2:RpcFunctionMetadata",
    "FunctionLoadResponse": "function_id:1:string result:2:StatusResult",
    "InvocationRequest": "invocation_id:1:string function_id:2:string input_data:3:[ParameterBinding] "
    "trigger_metadata:4:{TypedData} trace_context:5:RpcTraceContext retry_context:6:RetryContext",
    "RpcTraceContext": "trace_parent:1:string trace_state:2:string attributes:3:{string}",
    "RetryContext": "retry_count:1:int32 max_retry_count:2:int32 exception:3:RpcException",
    "InvocationResponse": "invocation_id:1:string output_data:2:[ParameterBinding] return_value:4:TypedData "
    "result:3:StatusResult",
    "ParameterBinding": "name:1:string data:2:TypedData/rpc_data",
    "TypedData": "string:1:string/data json:2:string/data bytes:3:bytes/data http:5:RpcHttp/data "
    "int:6:sint64/data double:7:double/data",
    "RpcHttp": "method:1:string url:2:string headers:3:{string} body:4:TypedData params:10:{string} "
    "status_code:12:string query:15:{string} enable_content_negotiation:16:bool rawBody:17:TypedData "
    "cookies:19:[RpcHttpCookie]",
    "RpcHttpCookie": "name:1:string value:2:string",
}
_ENUMS = {
    "StatusResult.Status": ("Failure", "Success", "Cancelled"),
    "BindingInfo.Direction": ("in", "out", "inout"),
    "BindingInfo.DataType": ("undefined", "string", "binary", "stream"),
}
_Field = descriptor_pb2.FieldDescriptorProto


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name="functions.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field in fields.split():
            _add(message, field)
        for enum, values in _ENUMS.items():
            owner, _, short = enum.partition(".")
            if owner == name:
                made = message.enum_type.add(name=short)
                for number, value in enumerate(values):
                    made.value.add(name=value, number=number)
    return file


def _add(message: descriptor_pb2.DescriptorProto, text: str) -> None:
    name, number, rest = text.split(":")
    kind, _, group = rest.partition("/")
    field = message.field.add(name=name, number=int(number), label=_Field.LABEL_OPTIONAL)
    if kind[0] in "[{":
        field.label = _Field.LABEL_REPEATED
    if kind[0] == "{":
        _map_of(message, field, kind[1:-1])
    else:
        _set_type(field, kind.strip("[]"))
    if group:
        if not message.oneof_decl:
            message.oneof_decl.add(name=group)
        field.oneof_index = 0


def _map_of(
    message: descriptor_pb2.DescriptorProto, field: descriptor_pb2.FieldDescriptorProto, value: str
) -> None:
    """On the wire a map is a list of entries, each a message of the one that has the map."""
    entry = "".join(part.capitalize() for part in field.name.split("_")) + "Entry"
    nested = message.nested_type.add(name=entry)
    nested.options.map_entry = True
    for number, (part, kind) in enumerate((("key", "string"), ("value", value)), 1):
        _set_type(nested.field.add(name=part, number=number, label=_Field.LABEL_OPTIONAL), kind)
    field.type, field.type_name = _Field.TYPE_MESSAGE, f".{_PACKAGE}.{message.name}.{entry}"


def _set_type(field: descriptor_pb2.FieldDescriptorProto, kind: str) -> None:
    if kind in _MESSAGES or kind in _ENUMS:
        field.type = _Field.TYPE_MESSAGE if kind in _MESSAGES else _Field.TYPE_ENUM
        field.type_name = f".{_PACKAGE}.{kind}"
    else:
        field.type = _Field.Type.Value(f"TYPE_{kind.upper()}")


_pool = descriptor_pool.DescriptorPool()
_pool.Add(_file())
for _name in _MESSAGES:
    globals()[_name] = message_factory.GetMessageClass(_pool.FindMessageTypeByName(f"{_PACKAGE}.{_name}"))
