"""What fails on demand: for tests, and for a look at what a user sees."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

from local.arm.errors import ArmError, bad_request


@dataclass(frozen=True)
class Faults:
    """All off. Members are set by the control route, each until it is set anew."""

    quota: int | None = None  #: machines that the subscription may have: a larger capacity is refused
    available: int | None = None  #: machines that can be allocated: what is beyond fails when it is made
    throttled: int = 0  #: so many requests are answered with 429
    retry_after: int = 1  #: seconds, with those
    down: bool = False  #: every request is answered with 503
    lost_answers: int = 0  #: so many changes are made and never answered: the connection breaks
    never_starts: bool = False  #: machines are made, and no runner comes up on them

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """With these members set. Raises ArmError for a member there is not, or of another type."""
        known = {field.name: field.default for field in fields(self)}
        for name, value in changes.items():
            default = known.get(name, "")
            wanted = bool if isinstance(default, bool) else int
            nothing = value is None and default is None
            if name not in known or not (nothing or type(value) is wanted):
                members = ", ".join(known)
                raise bad_request("InvalidParameter", f"no fault '{name}' of that type; there are {members}")
        return replace(self, **changes)


#: Codes and messages as the service words them.
def quota_exceeded(location: str, sku: str, limit: int, used: int, more: int) -> ArmError:
    """A capacity beyond the subscription's quota."""
    return ArmError(
        409,
        "OperationNotAllowed",
        f"Operation could not be completed as it results in exceeding approved {sku} Cores quota. "
        f"Additional details - Deployment Model: Resource Manager, Location: {location}, Current Limit: "
        f"{limit}, Current Usage: {used}, Additional Required: {more}, (Minimum) New Limit Required: "
        f"{used + more}. Submit a request for Quota increase at https://aka.ms/ProdportalCRP.",
    )


def no_capacity(sku: str, location: str, spot: bool) -> tuple[str, str]:
    """Why a machine could not be allocated."""
    if spot:
        return (
            "SkuNotAvailable",
            f"The requested VM size '{sku}' is currently not available in location '{location}' for Spot. "
            "Please try another size or deploy to a different location.",
        )
    return (
        "AllocationFailed",
        f"Allocation failed. We do not have sufficient capacity for the requested VM size '{sku}' in region "
        f"'{location}'. Read more about improving likelihood of allocation success at "
        "https://aka.ms/allocation-guidance",
    )


def throttled(seconds: int) -> ArmError:
    return ArmError(
        429,
        "TooManyRequests",
        f"The request is being throttled as the limit has been reached. Retry after {seconds} seconds.",
        retry_after=seconds,
    )


def unavailable() -> ArmError:
    return ArmError(503, "ServerTimeout", "The service is temporarily unavailable; please retry.")
