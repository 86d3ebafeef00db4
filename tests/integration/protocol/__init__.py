"""The protocol of docs/explanation/protocol.md over a real Azurite."""
