"""Ids, paths, image names and URLs: what things are called, and what a name may be. PURE.

`ids` has the resources of Batch AI.
Everybody may import it; it imports `shared.errors` only.
"""
