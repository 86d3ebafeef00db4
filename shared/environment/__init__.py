"""AZ_BATCHAI_* variables, the layout on node and volume, and what a volume's address means. PURE.

`variables` fills them in, `layout` and `volume_addresses` say where things are.
Launch, jobs, stores, managers, api, cli and runner may import it.
"""
