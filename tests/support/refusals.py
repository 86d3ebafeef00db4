"""What a service answered, read from the exception of the Azure SDK."""


def error_code(error: BaseException) -> str:
    """The service's error code ("ShareNotFound"): text, or a member of an enum. The SDK declares no such
    attribute."""
    code = vars(error)["error_code"]
    return str(getattr(code, "value", code))
