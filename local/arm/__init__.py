"""A stand-in for the part of Azure Resource Manager that scale sets need; its virtual machines are programs.

`server` serves it, `app` lists what it can do; the public SDK (azure-mgmt-compute) talks to it.
Only `local` starts it; `__main__` apart it imports nothing else of the project.
"""
