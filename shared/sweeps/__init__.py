"""Sweeps: one job document with parameters, and the runs that come of it. PURE.

From a sweep.json to the parameters and the job document of each run; how a sweep stands, how that changes; a
metric in the text of a log. Stores, managers, api and cli may import it; it imports jobs and below.
"""
