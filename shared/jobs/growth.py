"""How the machines of a cluster's pool stand, as a job that waits for them sees it. PURE."""

from dataclasses import dataclass
from datetime import datetime

from shared.times import spelled

#: The cloud's codes and what mends them. Words of the message decide where a code says too little.
_QUOTA = ("QuotaExceeded", "OperationNotAllowed")
_SKU = ("SkuNotAvailable", "InvalidParameter")
_CAPACITY = (
    "AllocationFailed",
    "ZonalAllocationFailed",
    "OverconstrainedAllocationRequest",
    "OverconstrainedZonalAllocationRequest",
)


@dataclass(frozen=True)
class Growth:
    """Of one cluster's pool, when it was last looked at."""

    wanted: int  #: nodes
    lacking: int  #: of them: not there yet
    asked_seconds: float = 0.0  #: since the first of what is lacking was asked for
    usual_seconds: float | None = None  #: from asking to a node, on average
    usual_of: int = 0  #: how many starts that is the average of
    refused: str = ""  #: why the cloud gives no machines, in its own words
    code: str = ""
    retry_at: datetime | None = None  #: when it is asked again
    silent: datetime | None = None  #: since when the cloud does not answer
    late: str = ""  #: a machine that should have become a node by now
    late_seconds: float = 0.0
    replaced_seconds: float = 0.0  #: after so long it is replaced
    group: str = ""  #: where its machines are

    def words(self, cluster: str) -> tuple[str, str]:
        """What is under way, and what of it is news."""
        gist = f"{cluster} grows: {self.lacking} of {self.wanted} machines were asked for"
        if not self.asked_seconds and not self.usual_of:
            return f"{gist} just now", gist
        usual = ""
        if self.usual_seconds is not None:
            last = "the last one" if self.usual_of == 1 else f"the last {_NUMBERS[self.usual_of]}"
            usual = f"; {last} took {spelled(self.usual_seconds)}"
        return f"{gist} {spelled(self.asked_seconds)} ago{usual}", gist + usual

    def late_words(self, cluster: str) -> tuple[str, str]:
        """That a machine is no node yet, and where to look."""
        message = (
            f"machine {self.late} of {cluster} was asked for {spelled(self.late_seconds)} ago and has "
            f"not become a node; it is replaced {spelled(self.replaced_seconds)} after it was asked for"
        )
        return message, (
            f"Look into its boot log: az vm boot-diagnostics get-boot-log -g {self.group or 'GROUP'} "
            f"-n {self.late}"
        )

    @property
    def advice(self) -> str:
        """What would mend the refusal."""
        text = self.refused.lower()
        if self.code in _QUOTA or "quota" in text:
            return (
                "Ask for more quota of this VM family in this region (portal: Quotas), or lower the "
                "cluster's maximum."
            )
        if self.code in _SKU or "sku" in text:
            return "This VM size is not to be had there; az vm list-skus -l REGION -o table shows which are."
        if self.code in _CAPACITY or "capacity" in text or "spot" in text:
            return (
                "The region has none left now, Spot machines above all: wait, or use a pool of dedicated "
                "machines or of another size."
            )
        if self.code == "AuthorizationFailed":
            return "Give the function app's identity the role Virtual Machine Contributor on the scale set."
        return "See the activity log of the scale set in the portal."


_NUMBERS = ("", "one", "two", "three", "four", "five")
