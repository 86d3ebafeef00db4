"""Health: does the app answer, and can it reach its storage?"""

import azure.functions as func

from api.answers import answer
from api.wired import backend
from shared.errors import BatchAIError, SettingsError
from shared.names.ids import ClusterId

bp = func.Blueprint()


@bp.route(route="health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def health(req: func.HttpRequest) -> func.HttpResponse:
    """200 {"status": "ok"} when settings are right and the state can be read, else 503 with the faults."""
    try:
        backend().clusters.fresh(ClusterId("default", "default"))
    except SettingsError as error:
        return answer({"status": "settings", "faults": list(error.faults)}, 503)
    except BatchAIError as error:
        return answer({"status": "storage", "faults": [str(error)]}, 503)
    return answer({"status": "ok"})
