"""HTTP: one blueprint per resource of the Batch AI REST API, and what a dropped file starts.

Each handler decodes, calls one thing and encodes. `resources/` holds the JSON forms (PURE).
`function_app.py` imports it; it imports `shared` only.
"""
