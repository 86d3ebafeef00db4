"""How jobs are kept from what is not theirs: the runner, other jobs, the machine, its identity.

`setup` makes ready once per runner, `confinement` holds each process.
The attempt and above import it; it imports machine and below.
"""
