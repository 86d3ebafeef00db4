"""AZ_BATCHAI_* variables, the layout on node and volume, and what a volume's address means. PURE.

Launch, jobs, stores, managers, api and runner may import it.
"""
