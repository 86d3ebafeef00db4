"""An emulator of the Azure Files REST API over a plain directory.

`server` serves it, `operations` lists what it can do.
Only `local` starts it; it imports nothing else of the project.
"""
