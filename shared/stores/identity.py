"""The machine's identity: one credential for the whole process, and how long somebody waits for it."""

import functools
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from azure.core.exceptions import ClientAuthenticationError

log = logging.getLogger(__name__)

#: Whoever answers a request waits no longer than this for a token.
WAIT_SECONDS = 5.0
#: For so long nobody asks again, on behalf of a request, an identity that could not be had.
_REFUSED_SECONDS = 60.0
#: A token is not used in its last minutes: what is done with it takes a while.
_MARGIN_SECONDS = 300.0


class IdentityUnavailableError(ClientAuthenticationError):
    """This machine has no identity, or none that answered in time."""


class _Question:
    """One question for a token, asked in a thread of its own, because asking may take most of a minute."""

    def __init__(self) -> None:
        self.answered = threading.Event()
        self.token: Any = None
        self.error: Exception | None = None
        self.ended = 0.0  #: monotonic clock, once `answered`


class Identity:
    """A credential as the SDK's clients take one. Thread-safe.

    Many may ask at the same time; the chain behind it (environment, managed identity, az login, ...) is asked
    once for all of them, and a token is kept until it nears its end.
    """

    def __init__(
        self,
        make: Callable[[], Any],
        monotonic: Callable[[], float] = time.monotonic,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`make` makes the chain, at the first question."""
        self._make = make
        self._monotonic = monotonic
        self._clock = clock
        self._lock = threading.Lock()
        self._chain: Any = None
        self._questions: dict[Any, _Question] = {}

    def get_token(self, *scopes: str, **options: Any) -> Any:
        """An access token, however long that takes. Raises ClientAuthenticationError."""
        return self.ask(scopes, options, None, 0.0)

    def ask(
        self,
        scopes: tuple[str, ...],
        options: dict[str, Any],
        wait_seconds: float | None,
        refused_seconds: float,
    ) -> Any:
        """A token after at most `wait_seconds`. What was refused less than `refused_seconds` ago is refused
        again without a question. Raises ClientAuthenticationError."""
        question = self._question(scopes, options, refused_seconds)
        if not question.answered.wait(wait_seconds):
            raise IdentityUnavailableError("the machine's identity gave no token in time")
        if question.error is not None:
            raise IdentityUnavailableError(str(question.error)) from question.error
        return question.token

    def _question(
        self, scopes: tuple[str, ...], options: dict[str, Any], refused_seconds: float
    ) -> _Question:
        # What else SDKs ask for (enable_cae) changes no token of a managed identity.
        wanted = {name: options[name] for name in ("claims", "tenant_id") if options.get(name)}
        key = (scopes, tuple(sorted(wanted.items())))
        with self._lock:
            found = self._questions.get(key)
            if found and (not found.answered.is_set() or self._holds(found, refused_seconds)):
                return found
            self._questions[key] = question = _Question()
        arguments = (question, scopes, options)
        threading.Thread(target=self._put, args=arguments, name="identity", daemon=True).start()
        return question

    def _holds(self, question: _Question, refused_seconds: float) -> bool:
        """Whether an answer is still good."""
        if question.error is not None:
            return self._monotonic() - question.ended < refused_seconds
        return bool(question.token.expires_on - self._clock() > _MARGIN_SECONDS)

    def _put(self, question: _Question, scopes: tuple[str, ...], options: dict[str, Any]) -> None:
        try:
            question.token = self._known_chain().get_token(*scopes, **options)
        except Exception as error:
            log.warning("no identity: %s", type(error).__name__, extra={"action": "identity"})
            question.error = error
        question.ended = self._monotonic()
        question.answered.set()

    def _known_chain(self) -> Any:
        with self._lock:
            if self._chain is None:
                self._chain = self._make()
            return self._chain


class ImpatientIdentity:
    """The same credential for those who answer a request: they wait WAIT_SECONDS at most, and a refusal is
    remembered for a while."""

    def __init__(self, whose: Identity | None = None) -> None:
        """`whose` None: the process's own."""
        self._identity = whose or identity()

    def get_token(self, *scopes: str, **options: Any) -> Any:
        """An access token. Raises ClientAuthenticationError."""
        return self._identity.ask(scopes, options, WAIT_SECONDS, _REFUSED_SECONDS)


_client_id = ""


def use_client_id(client_id: str) -> None:
    """Which user-assigned identity the process has, from its settings; "" leaves what was said before."""
    global _client_id
    _client_id = client_id or _client_id


def identity(client_id: str = "") -> Identity:
    """The machine's identity, where no key is configured: one for the whole process. `client_id`: another
    user-assigned one than the settings name."""
    return identity_of(client_id or _client_id)


def forget_identities() -> None:
    """As if this process had asked for no token yet: for tests, whose identity services come and go."""
    identity_of.cache_clear()


@functools.cache
def identity_of(client_id: str) -> Identity:
    """The user-assigned identity of this id, "" for the machine's own: one for the whole process."""
    return Identity(functools.partial(_chain, client_id))


def _chain(client_id: str) -> Any:
    # Imported late: azure-identity costs a third of a second and the local stack never needs it.
    from azure.identity import DefaultAzureCredential, ManagedIdentityCredential

    # Whoever names an identity means that one, and no other sign-in of the machine.
    return ManagedIdentityCredential(client_id=client_id) if client_id else DefaultAzureCredential()
