"""How the nodes of one job reach each other: an sshd per node while an attempt lasts, and plain `ssh` to it.

Every node makes fresh keys (`keys`); only public ones leave it, inside its `Access`. When all are known it
serves (`server`), and gives the job's processes what makes `ssh`, `scp` and mpirun just work (`client`).
"""
