"""`python -m runner.doctor`: what is right and what is wrong on this machine, and how to mend it."""
