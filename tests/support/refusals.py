"""What a service answered, read from the exception of the Azure SDK."""


def error_code(error: BaseException) -> str:
    """The service's error code ("ShareNotFound"). The SDK sets it on its exceptions without declaring it, as a
    member of an enum where it knows the code."""
    code = vars(error)["error_code"]
    return str(getattr(code, "value", code))
