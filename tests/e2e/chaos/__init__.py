"""Runners, storage and clocks broken on purpose; a ledger shows whether any job was lost or done twice."""
