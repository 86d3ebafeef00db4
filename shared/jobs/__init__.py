"""Jobs as values: the row's content, its transitions, events, reasons and answers. PURE.

Stores, managers, api, cli and runner may import it; it imports documents and below.
"""
