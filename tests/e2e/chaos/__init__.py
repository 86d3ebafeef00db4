"""Runners, storage and clocks broken on purpose; a ledger tells whether any job was lost or done twice."""
