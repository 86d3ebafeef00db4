"""Reading files of a job piece by piece, through the links that the service gives."""

from dataclasses import dataclass, field

import httpx

from cli.faults import NotAnswering
from cli.http import Api
from cli.messages import say_debug, shown_url

#: Bytes of one request.
PIECE = 4 * 1024 * 1024
_TIMEOUT = httpx.Timeout(60.0, connect=10.0)


class LinkExpired(Exception):
    """A link is not good (any more); another one has to be asked for."""


@dataclass(frozen=True)
class Place:
    """A file of a job: `job` is the job's path, `directory` the id of an output directory."""

    job: str
    directory: str
    path: str
    name: str
    expiry_minutes: int = 60


@dataclass
class Links:
    """Lists and reads the files of jobs. Close it."""

    api: Api
    transport: httpx.BaseTransport | None = None
    _client: httpx.Client | None = field(default=None, init=False, repr=False)

    def close(self) -> None:
        """Close the connections."""
        if self._client:
            self._client.close()

    def listed(self, place: Place, run: str) -> dict[str, str]:
        """Name -> link of the files beside `place`, as far as they are of the run with the folder `run`.

        Raises Refused, NotAnswering.
        """
        files = self.api.pages(
            "POST",
            f"{place.job}/listOutputFiles",
            outputdirectoryid=place.directory,
            directory=place.path,
            linkexpiryinminutes=place.expiry_minutes,
        )
        links = {str(file["name"]): str(file["downloadUrl"]) for file in files if file.get("downloadUrl")}
        return {name: link for name, link in links.items() if run in httpx.URL(link).path}

    def read(self, link: str, offset: int) -> bytes:
        """At most PIECE bytes from `offset`, b"" where the file ends. Raises LinkExpired, NotAnswering."""
        wanted = {"range": f"bytes={offset}-{offset + PIECE - 1}"}
        host = httpx.URL(link).host
        say_debug(f"request: GET {shown_url(httpx.URL(link))} {wanted['range']}")
        if self._client is None:
            self._client = httpx.Client(transport=self.transport, timeout=_TIMEOUT)
        try:
            answer = self._client.get(link, headers=wanted)
        except httpx.TransportError as error:
            raise NotAnswering(f"{host} does not answer: {error or type(error).__name__}") from None
        if answer.status_code == 416:
            return b""
        if answer.status_code in (401, 403, 404):
            raise LinkExpired
        if answer.status_code == 206:
            return answer.content
        if answer.status_code == 200:
            return answer.content[offset : offset + PIECE]  # it does not know ranges, or the file is empty
        raise NotAnswering(f"{host} answered {answer.status_code}")
