"""Hours of chaos with a steady stream of jobs; what grows is measured and judged (`make soak HOURS=2`).

For people at a machine, not for CI: tests/e2e/test_soak.py shows in a minute that it runs and sees growth.
May import everything; only that test imports it.
"""
