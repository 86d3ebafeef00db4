"""The documents as pydantic models, one module per part, with the members Batch AI had. PURE.

Rules, parser and everything above import them through `shared.documents.spec`.
"""
