"""A thin stand-in for the Azure Functions host, for machines without Core Tools.

docs/ says what it does and what it leaves out.
Only `local` starts it; it imports `shared` only.
"""
