"""Reading files of a job piece by piece: over HTTP, or through the links that the service gives.

Links are what is left where a service is of before `GET .../logs`, or where it knows the run no more: the job
was deleted, or its name is another run's.
"""

from dataclasses import dataclass, field
from urllib.parse import quote

import httpx

from cli.faults import NotAnswering, Refused
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


@dataclass(frozen=True)
class Listed:
    """A file as it was listed: of the run with the folder `run`, at `address` of the REST API."""

    address: str
    run: str
    link: str


@dataclass
class Links:
    """Lists and reads the files of jobs. Close it."""

    api: Api
    transport: httpx.BaseTransport | None = None
    _client: httpx.Client | None = field(default=None, init=False, repr=False)
    _by_links: bool = field(default=False, init=False)  #: the service has no operation for it

    def close(self) -> None:
        """Close the connections."""
        if self._client:
            self._client.close()

    def listed(self, place: Place, run: str) -> dict[str, Listed]:
        """Name -> file of those beside `place`, as far as they are of the run with the folder `run`.

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
        folder = "/".join(part for part in (place.directory, *place.path.split("/")) if part not in ("", "."))
        return {
            name: Listed(f"{place.job}/logs/{quote(f'{folder}/{name}')}", run, link)
            for name, link in links.items()
            if run in httpx.URL(link).path
        }

    def read(self, file: Listed, offset: int) -> bytes:
        """At most PIECE bytes from `offset`, b"" where the file ends. Raises LinkExpired, NotAnswering."""
        piece = None if self._by_links else self._over_http(file, offset)
        return self._by_link(file.link, offset) if piece is None else piece

    def _over_http(self, file: Listed, offset: int) -> bytes | None:
        """None where the service does not give it: it is older, or knows the run no more."""
        try:
            answer = self.api.send("GET", file.address, {"offset": offset, "maxbytes": PIECE})
        except Refused as refused:
            self._by_links = refused.code not in ("JobNotFound", "LogNotFound")
            return None
        of_run = answer.headers.get("x-batchai-run") == file.run.rpartition("/")[2]
        return answer.content if of_run else None

    def _by_link(self, link: str, offset: int) -> bytes:
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
