"""Traces of jobs for OpenTelemetry. Off unless the environment asks for it: then nothing here loads the SDK,
starts a thread or adds a member to a message. Everybody may import `tracing` and `names`; the entry points
alone import `switch`; only `otlp` knows the SDK."""
