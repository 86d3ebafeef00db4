"""What a document must also hold, one module per subject; each rule yields findings. PURE.

`registry` lists them all.
Only `shared.documents` and who submits import it.
"""
