"""The runner over real child processes, the Azure Files emulator and Azurite."""
