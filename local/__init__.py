"""The embedded default: Azurite, the Azure Files emulator, a functions host and runners on one machine.

`stack` puts it together, `supervisor` keeps it running, `demo` shows it.
Nobody imports it but tests; it may import everything.
"""
