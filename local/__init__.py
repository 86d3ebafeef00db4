"""The embedded default: Azurite, the Azure Files emulator, a functions host and runners on one machine."""
