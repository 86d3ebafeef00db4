"""Batch AI's resources as JSON: rows to ARM documents and answers, and back. PURE.

One module per resource; `forms` has what they share.
Only `api` imports it; it imports values of `shared`, never a store or a manager.
"""
