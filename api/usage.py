"""What the jobs and clusters of a workspace have used. Ours: Batch AI had nothing of the kind."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import azure.functions as func

from api import routes
from api.answers import answer, arm
from api.requests import workspace_of
from api.wired import backend
from shared.errors import RequestError
from shared.jobs.usage import BY
from shared.times import timestamp

if TYPE_CHECKING:
    from shared.jobs.usage import Use

bp = func.Blueprint()
_DEFAULT_DAYS = 30


@bp.route(route=f"{routes.WORKSPACE}/usage", methods=["GET"])
@arm("workspace")
def usage_get(req: func.HttpRequest) -> func.HttpResponse:
    """200 with a line for each of what ?by= says (usage.BY); ?since= is a date or a time."""
    report = backend().usage
    by, since = req.params.get("by", "experiment"), _since(req.params.get("since", ""))
    if by not in BY:
        raise RequestError(f"by must be one of {', '.join(BY)}", "InvalidParameter")
    uses = report.of(workspace_of(req), by, since)
    shown = {"by": by, "since": timestamp(since), "value": [_shown(use) for use in uses]}
    return answer(shown | ({"currency": report.prices.currency} if report.prices.currency else {}))


def _since(text: str) -> datetime:
    if not text:
        return datetime.now(UTC) - timedelta(days=_DEFAULT_DAYS)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise RequestError(f"since is '{text}'; expected 2026-11-01 or a time", "InvalidParameter") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _shown(use: "Use") -> dict[str, Any]:
    line: dict[str, Any] = {
        "name": use.name,
        "jobs": use.jobs,
        "attempts": use.attempts,
        "nodeHours": round(use.node_seconds / 3600, 4),
        "gpuHours": round(use.gpu_seconds / 3600, 4),
    }
    if use.idle_seconds is not None:
        line["idleNodeHours"] = round(use.idle_seconds / 3600, 4)
    if use.cost is not None:
        line["estimatedCost"] = round(use.cost, 4)
    return line
