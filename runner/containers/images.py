"""The image of a job: which one is meant, and how it comes onto this node."""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from runner.containers.docker import Answer, Docker, never
from runner.containers.errors import ContainerError
from runner.processes.stop_signal import StoppedEarlyError
from shared.documents.models.job import ContainerSettings
from shared.names import images

#: The name under which docker keeps a login of the Docker Hub.
_HUB_LOGIN = "https://index.docker.io/v1/"
#: What a registry says when asking again will not help. Anything else may pass: time-outs, 5xx, no route.
_FINAL = (
    "not found",
    "manifest unknown",
    "does not exist",
    "denied",
    "unauthorized",
    "authentication required",
    "incorrect username or password",
    "no basic auth credentials",
    "no matching manifest",
    "invalid reference format",
    "unsupported media type",
)
_PAUSES_SECONDS = (2.0, 8.0)  #: between the tries to pull
_REPORT_SECONDS = 10.0
_LOGIN_SECONDS, _INSPECT_SECONDS = 60.0, 30.0


@dataclass(frozen=True)
class Image:
    """An image by the name docker takes, and the login of its registry ("" where none is needed)."""

    name: str
    server: str = ""
    username: str = ""
    password: str = field(default="", repr=False)


def image_of(settings: ContainerSettings) -> Image:
    """The image a document asks for. Raises ContainerError for a password that is still a reference."""
    registry = settings.image_source_registry
    server = registry.server_url or ""
    name = images.full_name(registry.image, server)
    image = Image(name, images.host_of(server) or _HUB_LOGIN)
    if registry.credentials is None:
        return image
    if registry.credentials.password is None:
        raise ContainerError(name, "the password of its registry is still an unresolved Key Vault reference")
    password = registry.credentials.password.get_secret_value()
    return replace(image, username=registry.credentials.username, password=password)


def is_here(docker: Docker, name: str) -> bool:
    """Whether the node has the image."""
    return docker.ask("image", "inspect", "--format", "{{.Id}}", name, seconds=_INSPECT_SECONDS).ok


def obtain(
    docker: Docker,
    image: Image,
    say: Callable[[str], None],
    seconds: float,
    interrupted: Callable[[], bool] = never,
) -> None:
    """The image on this node, pulled where it is missing or may have moved; within `seconds`.

    Raises ContainerError with the registry's words, StoppedEarlyError.
    """
    here = is_here(docker, image.name)
    if here and not images.may_move(image.name):
        say(f"the image {image.name} is on this node already")
        return
    try:
        pauses = () if here else _PAUSES_SECONDS
        _pull(docker, image, say, time.monotonic() + seconds, interrupted, pauses)
    except ContainerError as error:
        if not here:
            raise
        say(f"{error}; the image of that name on this node is used")


def _pull(
    docker: Docker,
    image: Image,
    say: Callable[[str], None],
    deadline: float,
    interrupted: Callable[[], bool],
    pauses: Sequence[float],
) -> None:
    say(f"pulling the image {image.name}")
    begun = time.monotonic()
    answer = _try(docker, image, say, deadline, interrupted)
    for pause in pauses:
        if answer.ok or is_final(answer) or time.monotonic() > deadline:
            break
        say(f"the image could not be pulled: {answer.words}; next try in {pause:.0f} s")
        _rest(pause, interrupted)
        answer = _try(docker, image, say, deadline, interrupted)
    if not answer.ok:
        raise ContainerError(
            image.name, f"the image {image.name} could not be pulled: {answer.words}", not is_final(answer)
        )
    say(f"the image {image.name} was pulled in {time.monotonic() - begun:.0f} s")


def is_final(answer: Answer) -> bool:
    """Whether another try would be answered the same."""
    said = answer.err.lower()
    return not answer.no_daemon and any(sign in said for sign in _FINAL)


def _rest(seconds: float, interrupted: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if interrupted():
            raise StoppedEarlyError("stopped between two tries to pull")
        time.sleep(0.1)


def _try(
    docker: Docker,
    image: Image,
    say: Callable[[str], None],
    deadline: float,
    interrupted: Callable[[], bool],
) -> Answer:
    """One try: log in if there is a login, in a configuration that is thrown away, and pull."""

    def pull(config: dict[str, str]) -> Answer:
        left = max(1.0, deadline - time.monotonic())
        watch = Progress(say).show
        return docker.ask("pull", image.name, seconds=left, more=config, interrupted=interrupted, watch=watch)

    if not image.username:
        return pull({})  # with the operator's own configuration: the node may have a login of its own
    with tempfile.TemporaryDirectory(prefix="batchai-login-") as folder:  # 0700
        # Docker reads the first, podman the second.
        config = {"DOCKER_CONFIG": folder, "REGISTRY_AUTH_FILE": f"{folder}/auth.json"}
        words = ("login", "--username", image.username, "--password-stdin", image.server)
        answer = docker.ask(
            *words, seconds=_LOGIN_SECONDS, given=image.password, more=config, interrupted=interrupted
        )
        return pull(config) if answer.ok else answer


@dataclass
class Progress:
    """What `docker pull` prints, reported in a line every few seconds instead of one for each step of a
    layer."""

    say: Callable[[str], None]
    monotonic: Callable[[], float] = time.monotonic
    _reported: str = ""
    _next: float = 0.0

    def __post_init__(self) -> None:
        self._next = self.monotonic() + _REPORT_SECONDS

    def show(self, printed: str) -> None:
        """`printed`: everything so far."""
        if self.monotonic() < self._next:
            return
        self._next = self.monotonic() + _REPORT_SECONDS
        text = summary(printed)
        if text and text != self._reported:
            self.say(text)
            self._reported = text


def summary(printed: str) -> str:
    """How far a pull is; "" where nothing is known yet. Without a terminal docker prints no sizes."""
    layers: dict[str, str] = {}
    for line in printed.splitlines():
        layer, colon, state = line.partition(": ")
        if colon and len(layer) == 12:
            layers[layer] = state
    if not layers:
        return ""
    here = sum(state in ("Pull complete", "Already exists") for state in layers.values())
    loaded = sum(state in ("Download complete", "Verifying Checksum") for state in layers.values())
    return f"{here + loaded} of {len(layers)} layers downloaded, {here} unpacked"
