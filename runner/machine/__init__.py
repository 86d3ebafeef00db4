"""What this machine has: network, GPUs, cgroups, mount table, commands.

Everybody in the runner may import it; it imports secrets and limits only.
"""
