"""Traces of jobs, and metrics, for OpenTelemetry. Off unless the environment asks for it: then nothing here
loads the SDK, starts a thread or adds a member to a message. Everybody may import `tracing`, `metrics` and
`names`; the entry points alone import `switch`; only `otlp` and `otlp_metrics` know the SDK."""
