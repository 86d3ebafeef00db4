"""What a document must also hold, one module per subject; each rule yields findings. PURE.

`registry` lists them; only `shared.documents` calls them.
"""
