"""The machine's identity: asked once for all who want it, waited for no longer than somebody has time."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from shared.stores import identity as module
from shared.stores.identity import Identity, ImpatientIdentity

SCOPE = "https://storage.azure.com/.default"


@dataclass
class Chain:
    """Stands in for DefaultAzureCredential: it answers when it is let to."""

    may_answer: threading.Event = field(default_factory=threading.Event)
    refuses: bool = False
    asked: int = 0

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        self.asked += 1
        self.may_answer.wait(30)
        if self.refuses:
            raise ClientAuthenticationError("nobody is signed in")
        return AccessToken(f"token-{self.asked}", 10_000)


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def chain() -> Chain:
    return Chain()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def credential(chain: Chain, clock: Clock) -> Identity:
    return Identity(lambda: chain, clock, clock)


@pytest.fixture
def impatient(credential: Identity, monkeypatch: pytest.MonkeyPatch) -> ImpatientIdentity:
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.05)
    return ImpatientIdentity(credential)


def refused(ask: Callable[[], Any]) -> bool:
    try:
        ask()
    except ClientAuthenticationError:
        return True
    return False


def test_many_at_once_ask_once_and_none_waits_for_the_answer(
    chain: Chain, impatient: ImpatientIdentity
) -> None:
    with ThreadPoolExecutor(9) as pool:
        answers = list(pool.map(lambda _: refused(lambda: impatient.get_token(SCOPE)), range(9)))
    assert answers == [True] * 9
    assert refused(lambda: impatient.get_token(SCOPE)), "the question is still open"
    assert chain.asked == 1
    chain.may_answer.set()


def test_an_answer_that_comes_late_is_not_lost(
    chain: Chain, credential: Identity, impatient: ImpatientIdentity
) -> None:
    assert refused(lambda: impatient.get_token(SCOPE))
    chain.may_answer.set()
    assert credential.get_token(SCOPE).token == "token-1"
    assert impatient.get_token(SCOPE).token == "token-1"
    assert chain.asked == 1


def test_a_refusal_is_remembered_for_requests_only(
    chain: Chain, clock: Clock, credential: Identity, impatient: ImpatientIdentity
) -> None:
    chain.refuses = True
    chain.may_answer.set()
    assert refused(lambda: credential.get_token(SCOPE))
    for _ in range(5):
        assert refused(lambda: impatient.get_token(SCOPE))
    assert chain.asked == 1
    assert refused(lambda: credential.get_token(SCOPE)), "who has the time asks again"
    assert chain.asked == 2
    chain.refuses = False
    clock.now = 61.0
    assert not refused(lambda: credential.get_token(SCOPE))
    assert chain.asked == 3


def test_a_token_is_kept_until_it_nears_its_end(chain: Chain, clock: Clock, credential: Identity) -> None:
    chain.may_answer.set()
    assert [credential.get_token(SCOPE).token for _ in range(3)] == ["token-1"] * 3
    clock.now = 9_701.0
    assert credential.get_token(SCOPE).token == "token-2"


def test_other_tokens_are_other_questions(chain: Chain, credential: Identity) -> None:
    chain.may_answer.set()
    assert credential.get_token(SCOPE).token == "token-1"
    assert credential.get_token("https://vault.azure.net/.default").token == "token-2"
    assert credential.get_token(SCOPE, tenant_id="other").token == "token-3"
