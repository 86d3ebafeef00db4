"""job.json and cluster.json: text to typed documents, every problem at once. PURE.

Everybody above may import it; it imports names, settings and errors only.
"""
