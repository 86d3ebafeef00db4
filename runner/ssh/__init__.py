"""How the nodes of one job reach each other: an sshd per node while an attempt lasts, and plain `ssh` to it.

Every node makes fresh keys; `server` serves, `client` makes `ssh`, `scp` and mpirun just work.
`runner.__main__` imports `ssh_link` and hands it to the gang.
"""
