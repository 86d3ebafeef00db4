"""One module per volume driver, and what it needs for itself.

`runner.mounts.mount` lists them and chooses.
Nobody else imports a driver.
"""
