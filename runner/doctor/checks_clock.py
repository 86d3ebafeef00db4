"""This machine's clock against the storage service's Date header, without any credentials."""

import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from runner.doctor.check import Check, failed, ok
from shared.settings import Settings
from shared.stores.connection import Connection

_NAME = "clock"
_SECONDS = 5.0
#: Leases are counted in tens of seconds, and requests signed 15 minutes off are refused.
MOST_OFFSET = 30.0
_SYNCHRONISE = "sudo timedatectl set-ntp true && timedatectl timesync-status"


def offset(settings: Settings) -> list[Check]:
    """How far the clock is off, to a second."""
    url = _service_url(settings)
    before = time.time()
    try:
        date = _date(url)
    except OSError as error:
        return [failed(_NAME, f"{url} does not answer: {error}", f"curl -sI {url}")]
    if not date:
        return [failed(_NAME, f"{url} gives no date; is it a storage service?", f"curl -sI {url}")]
    here = datetime.fromtimestamp((before + time.time()) / 2, UTC)
    return [verdict((here - parsedate_to_datetime(date)).total_seconds())]


def verdict(seconds: float) -> Check:
    """`seconds`: this clock minus the service's, whose header is cut to whole seconds."""
    words = f"{abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} the storage service"
    if abs(seconds) > MOST_OFFSET:
        return failed(_NAME, words, _SYNCHRONISE)
    return ok(_NAME, f"{words} (at most {MOST_OFFSET:.0f} s)")


def _service_url(settings: Settings) -> str:
    connection = Connection(settings)
    try:
        if not settings.storage:
            return f"{settings.storage_urls.blob}/"
        url = urlsplit(str(connection.blobs.url))
        return f"{url.scheme}://{url.netloc}/"  # what follows may be a signature
    finally:
        connection.close()


def _date(url: str) -> str:
    """The Date header of any answer, refusals included."""
    request = urllib.request.Request(url, method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # nosec B310 # the SDK's own URL
            return str(answer.headers.get("Date", ""))
    except urllib.error.HTTPError as refusal:
        with refusal:
            return str(refusal.headers.get("Date", ""))
