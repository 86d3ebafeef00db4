"""A JSON reader that knows the line and column of every value and repairs nothing. PURE.

Only `shared.documents` and the linter need it.
"""
