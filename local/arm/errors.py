"""Refusals in the words of Azure Resource Manager."""


class ArmError(Exception):
    """A request that is refused: HTTP status, code and message as the service has them."""

    def __init__(self, status: int, code: str, message: str, retry_after: int | None = None) -> None:
        """`retry_after`: seconds, for the header of that name."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after

    def as_json(self) -> dict[str, object]:
        return {"error": {"code": self.code, "message": self.message}}


def not_found(kind: str, name: str, group: str) -> ArmError:
    """`kind`: such as virtualMachineScaleSets."""
    return ArmError(
        404,
        "ResourceNotFound",
        f"The Resource 'Microsoft.Compute/{kind}/{name}' under resource group '{group}' was not found. For "
        "more details please go to https://aka.ms/ARMResourceNotFoundFix",
    )


def bad_request(code: str, message: str) -> ArmError:
    return ArmError(400, code, message)
