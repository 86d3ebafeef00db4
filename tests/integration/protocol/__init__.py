"""The protocol of docs/protocol.md over a real Azurite."""
