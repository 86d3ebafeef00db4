"""A stand-in for the part of Azure Resource Manager that scale sets need; its virtual machines are programs.

An emulator that stands alone, as local/files does: the public SDK (azure-mgmt-compute) talks to it. Imported
by local/ and tests.
"""
