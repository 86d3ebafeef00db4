"""`python -m runner.doctor`: what is right and what is wrong on this machine, and how to mend it.

One module of checks per subject; `run_checks` runs them, `report` shows them.
Nobody imports it but the command; it imports everything in the runner.
"""
