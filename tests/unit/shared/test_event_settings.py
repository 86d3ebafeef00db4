"""shared.event_settings: whom changes of jobs are announced to."""

import pytest

from shared.errors import SettingsError
from shared.event_settings import event_settings
from shared.settings import EventSettings
from shared.settings_reader import settings_from

SECRET = "whsec_" + "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
HOOK = {"BATCHAI_EVENTS_URL": "https://example.com/hook?sig=s3cret", "BATCHAI_EVENTS_SECRET": SECRET}
TOPIC = "https://jobs.westeurope-1.eventgrid.azure.net/api/events"


def read(**env: str) -> EventSettings:
    faults: list[str] = []
    found = event_settings({f"BATCHAI_EVENTS_{name}": value for name, value in env.items()}, faults)
    assert faults == []
    return found


def fault(**env: str) -> str:
    faults: list[str] = []
    event_settings({f"BATCHAI_EVENTS_{name}": value for name, value in env.items()}, faults)
    return "; ".join(faults)


def test_without_a_url_nobody_is_announced_anything() -> None:
    assert read() == read(SECRET="whatever", BATCH="no") == EventSettings()
    assert not EventSettings().wants("ws")


def test_a_webhook() -> None:
    found = read(URL="https://example.com/hook", SECRET=SECRET)
    assert (found.keys, found.topic_key, found.batch, found.handshake) == ((b"k" * 32,), "", 1, False)
    assert found.wants("any")


def test_a_topic_with_an_identity_and_with_a_key() -> None:
    assert (read(URL=TOPIC).keys, read(URL=TOPIC).batch, read(URL=TOPIC).topic_key) == ((), 100, "")
    assert read(URL=TOPIC, SECRET="k3y").topic_key == "k3y"


def test_several_keys_while_they_are_changed() -> None:
    assert read(URL="https://e.com/", SECRET=f"{SECRET}, {SECRET}").keys == (b"k" * 32,) * 2


def test_workspaces_without_regard_to_case() -> None:
    found = read(URL=TOPIC, WORKSPACES="Research, other")
    assert found.wants("RESEARCH") and found.wants("other") and not found.wants("third")


def test_numbers_and_switches() -> None:
    found = read(URL=TOPIC, BATCH="7", SECONDS="30", HANDSHAKE="on")
    assert (found.batch, found.seconds, found.handshake) == (7, 30, True)


@pytest.mark.parametrize(
    "url",
    ["http://h0st.example/hook", "h0st.example", "https:///h0st", "https://me:pw@h0st/", "https://[h0st/"],
)
def test_addresses_that_are_none(url: str) -> None:
    found = fault(URL=url, SECRET=SECRET)
    assert "BATCHAI_EVENTS_URL must be like" in found
    assert "h0st" not in found


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/hook", "http://localhost/hook", "http://[::1]:1/"])
def test_this_machine_needs_no_tls(url: str) -> None:
    assert read(URL=url, SECRET=SECRET).url == url


@pytest.mark.parametrize("secret", ["", "s3cret", "whsec_", "whsec_c2hvcnQ=", SECRET[6:], f"{SECRET} s3cret"])
def test_secrets_that_are_none_are_not_quoted(secret: str) -> None:
    found = fault(URL="https://example.com/", SECRET=secret)
    assert "openssl rand" in found and "s3cret" not in found


@pytest.mark.parametrize(
    ("name", "value"),
    [("BATCH", "0"), ("BATCH", "101"), ("SECONDS", "1.5"), ("SECONDS", "60"), ("HANDSHAKE", "yes")],
)
def test_values_that_are_none(name: str, value: str) -> None:
    assert f"BATCHAI_EVENTS_{name} is '{value}'" in fault(URL=TOPIC, **{name: value})


def test_they_are_among_all_settings_and_show_no_secret() -> None:
    env = {"BATCHAI_STORAGE": "UseDevelopmentStorage=true", "BATCHAI_SEALING_KEYS": SECRET[6:]}
    shown = repr(settings_from(env | HOOK))
    assert "s3cret" not in shown and "kkkk" not in shown
    with pytest.raises(SettingsError, match="BATCHAI_EVENTS_SECRET is missing"):
        settings_from(env | {"BATCHAI_EVENTS_URL": "https://example.com/"})
