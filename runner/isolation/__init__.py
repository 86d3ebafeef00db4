"""How jobs are kept from what is not theirs: the runner, other jobs, the machine, its identity."""
