"""Batch AI's resources as JSON: rows to ARM documents and answers, and back. PURE.

Any module of `api` may import it; it imports `shared` values only, never a store or a manager.
"""
