"""Jobs as values: a row's content, its transitions, events, reasons and answers. PURE.

`model` is the job; `transitions` the only place that changes one.
Stores, managers, api, cli and runner may import it; it imports documents and below.
"""
