"""The documents as pydantic models, one module per part, with the members Batch AI had. PURE.

`base` has what they share; `shape` what the schema shows.
Others import them through `shared.documents.spec`.
"""
