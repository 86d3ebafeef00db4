"""A JSON reader that knows the line and column of every value and repairs nothing. PURE.

`reader` is the entry point.
Only `shared.documents` and the linter import it.
"""
