"""What this machine has: network, GPUs, cgroups, mount table, commands.

Each module asks the machine one kind of question.
Everybody in the runner may import it; it imports secrets and limits only.
"""
