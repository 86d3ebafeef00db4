"""One module per volume driver; `runner.mounts.mount` lists and chooses them.

Nobody else imports a driver.
"""
