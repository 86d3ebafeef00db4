"""An emulator of the Azure Files REST API over a plain directory. It imports nothing else of the project."""
