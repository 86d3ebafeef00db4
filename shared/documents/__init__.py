"""job.json and cluster.json: text to typed documents, every problem at once. PURE.

`parse` is the entry point; `models/` are the documents, `rules/` what they must also hold.
Everybody above may import it; it imports names, settings and errors only.
"""
