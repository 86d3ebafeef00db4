"""Traces of jobs, metrics and the log for OpenTelemetry. Off unless the environment asks for it: then nothing
here loads the SDK, starts a thread or adds a member to a message. Everybody may import `tracing`, `metrics`
and `names`; the entry points alone import `switch`; only `otlp*` and `log_records` know the SDK."""
