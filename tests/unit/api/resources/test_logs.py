"""The form of an entry of the list of logs."""

from api.resources.logs import LogFile, log_resource
from shared.environment.log_streams import log_stream


def test_a_log_is_shown_with_all_that_its_name_says() -> None:
    name = "execution-node-7.attempt-2.log"
    assert log_resource(LogFile(f"stdouterr/{name}", log_stream(name), 2, 17, True)) == {
        "name": f"stdouterr/{name}",
        "stream": "execution",
        "node": "node-7",
        "process": None,
        "attempt": 2,
        "sizeBytes": 17,
        "final": True,
    }
