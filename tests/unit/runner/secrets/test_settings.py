"""What of the variables of telemetry is secret, and who is given them."""

from runner.secrets.settings import secrets_in, without_settings

ENV = {
    "OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector.example",
    "OTEL_EXPORTER_OTLP_HEADERS": "api-key=hunter2-secret,tenant=team-1",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "authorization=Bearer%20t0ken",
}


def test_the_headers_for_the_receiver_are_secrets() -> None:
    found = secrets_in(ENV)
    assert {"hunter2-secret", "Bearer%20t0ken", ENV["OTEL_EXPORTER_OTLP_HEADERS"]} <= set(found)
    assert ENV["OTEL_EXPORTER_OTLP_ENDPOINT"] not in found


def test_programs_that_have_no_business_with_settings_get_none_of_them() -> None:
    assert without_settings({**ENV, "PATH": "/bin"}) == {"PATH": "/bin"}
