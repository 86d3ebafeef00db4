"""A thin stand-in for the Azure Functions host, for machines without Core Tools (docs/functions-host.md)."""
