"""What happens on the GPU machine: take a job, run it, report how it ended.

`python -m runner` starts it, `python -m runner.doctor` examines the machine.
Nobody imports it but `local`, `cli.doctor` and tests; it imports `shared` only.
"""
