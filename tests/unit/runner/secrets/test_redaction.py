"""No spelling of a secret is let through, however the text is cut; other text is unchanged."""

import base64
import json
import logging
import re
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.secrets.log_filter import RedactingFilter
from runner.secrets.redaction import LEAST, MASK, KnownSecrets, Redactor, forms, masked
from tests.support.examples import examples

#: Without the mask's own character: a secret that is spelt with it could be put together by striking another.
LETTERS = st.characters(exclude_characters="*", exclude_categories=["Cs"])
SECRETS = st.text(LETTERS, min_size=LEAST, max_size=24)
#: Few letters, so that secrets overlap themselves, one another, and the text around them.
TANGLED = st.text("ab/=", min_size=LEAST, max_size=7)
#: A busy machine is no fault of the code.
FUZZ = settings(max_examples=examples(250))
VALUES = st.lists(SECRETS | TANGLED, min_size=1, max_size=3)


def encodings(value: str) -> list[str]:
    """What a reader could turn back into the value; for `requests`, browsers, curl, jq, basic auth."""
    raw = value.encode()
    shifted = [base64.b64encode(b"x" * n + raw + b"y" * m).decode() for n in range(3) for m in range(3)]
    return [
        value,
        quote(value),
        quote(value, safe=""),
        quote_plus(value),
        re.sub("%..", lambda code: code[0].lower(), quote(value, safe="")),
        json.dumps(value),
        json.dumps(value, ensure_ascii=False),
        base64.b64encode(raw).decode(),
        base64.urlsafe_b64encode(raw).decode(),
        *shifted,
    ]


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[str], str]:
    """Secrets, and a text that holds some of them somehow spelt."""
    values = draw(VALUES)
    spelt = [form for value in values for form in encodings(value)]
    parts = st.sampled_from(spelt) | st.text(LETTERS, max_size=6) | st.text("ab/=", max_size=6)
    return values, "".join(draw(st.lists(parts, max_size=8)))


@FUZZ
@given(case=cases())
def test_nothing_is_let_through(case: tuple[list[str], str]) -> None:
    values, text = case
    shown = Redactor(values).text(text)
    for value in values:
        assert not [form for form in forms(value) if form.decode() in shown]
        assert not [form for form in encodings(value) if len(form) >= LEAST and form in shown]


@FUZZ
@given(values=VALUES, text=st.text(LETTERS, max_size=60))
def test_text_without_secrets_is_unchanged(values: list[str], text: str) -> None:
    data = text.encode()
    if any(form in data for value in values for form in forms(value)):
        return
    redactor = Redactor(values)
    assert redactor.text(text) == text


@given(st.text())
def test_any_text_survives_without_secrets(text: str) -> None:
    assert Redactor().text(text) == text
    assert Redactor(["no such thing"]).text(text) == text


@given(SECRETS)
def test_around_a_secret_nothing_is_lost(value: str) -> None:
    text = Redactor([value]).text(f"\u2190{value}\u2192")
    assert (text[0], text[-1]) == ("\u2190", "\u2192")
    assert MASK in text


def test_overlapping_secrets_leave_no_rest() -> None:
    assert Redactor(["abcde", "defgh"]).text("1abcdefgh2") == "1***2"
    assert Redactor(["abcde", "bcd"]).text("1abcde2") == "1***2"
    assert Redactor(["abab"]).text("1ababab2") == "1***2"


def test_short_values_stay_as_they_are() -> None:
    assert Redactor(["", "1", "abc"]).text("1 abc") == "1 abc"
    assert Redactor(["abcd"]).text("1 abcd") == "1 ***"


def test_what_is_seen_of_a_value_of_several_lines() -> None:
    key = "-----BEGIN KEY-----\r\nMIIEpAIBAAKCAQEA75\nshort\n-----END KEY-----\n"
    redactor = Redactor([key])
    assert redactor.text("line 2: MIIEpAIBAAKCAQEA75!") == "line 2: ***!"
    assert redactor.text(f"[{key.strip()}]") == "[***]"
    assert redactor.text("short") == "short"


def test_the_password_of_a_basic_authorization_is_struck_out() -> None:
    header = base64.b64encode(b"somebody:correct horse").decode()
    shown = Redactor(["correct horse"]).text(f"Authorization: Basic {header}")
    kept = shown.partition("Basic ")[2].partition(MASK)[0]
    assert b"c" not in base64.b64decode(kept + "=" * (-len(kept) % 4)).partition(b":")[2]
    assert MASK in shown


def test_a_redactor_does_not_say_what_it_strikes_out() -> None:
    assert "swordfish" not in repr(Redactor(["swordfish"]))


def test_what_tools_say_loses_signatures_too() -> None:
    assert masked("GET ?sv=1&sig=abc%2F&se=2", ()) == "GET ?sv=1&sig=***&se=2"
    assert masked("key swordfish", ["swordfish"]) == "key ***"


def test_known_secrets_follow_whose_they_are() -> None:
    known = KnownSecrets()
    known.know("job", ["swordfish"])
    known.know("cluster", ["correct horse"])
    assert known.text("swordfish, correct horse") == "***, ***"
    known.know("job", ["another"])
    assert known.text("swordfish, correct horse, another") == "swordfish, ***, ***"


@pytest.fixture
def records() -> list[str]:
    return []


@pytest.fixture
def own_log(records: list[str]) -> logging.Logger:
    """A logger set up as the runner's, whose lines land in `records`."""

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(self.format(record))

    known = KnownSecrets()
    known.know("job", ["swordfish", "correct horse"])
    handler = Kept()
    handler.addFilter(RedactingFilter(known))
    logger = logging.Logger("probe")
    logger.addHandler(handler)
    return logger


def test_the_runners_own_log_holds_no_secret(own_log: logging.Logger, records: list[str]) -> None:
    own_log.info("plain swordfish")
    own_log.info("in arguments: %s %r %d", "swordfish", {"a": "correct horse"}, 3)
    own_log.info("by pieces: %s%s", "sword", "fish")
    own_log.info("of an URL: %s", "https://a.b/?sig=abcdef&x=1")
    try:
        raise ValueError("correct horse")
    except ValueError:
        own_log.exception("failed", stack_info=True)
    own_log.info("nothing %s", "to hide")
    own_log.info("claimed", extra={"job": "w/e/swordfish-1", "action": "claimed"})
    assert records[0] == "plain ***"
    assert records[1] == "in arguments: *** {'a': '***'} 3"
    assert records[2] == "by pieces: ***"
    assert records[3] == "of an URL: https://a.b/?sig=***&x=1"
    assert "ValueError: ***" in records[4] and "Traceback" in records[4] and "Stack (most" in records[4]
    assert records[5] == "nothing to hide"
    assert records[6] == "claimed (job w/e/***-1)"
    assert not [line for line in records if "swordfish" in line or "correct horse" in line]


def test_a_record_that_cannot_be_formatted_is_reported_without_its_arguments(
    own_log: logging.Logger, records: list[str]
) -> None:
    own_log.info("%d", "swordfish")
    assert records == ["a line that cannot be formatted: %d"]
