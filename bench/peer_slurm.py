"""Slurm with one node of as many processors as there are workers, from Debian's packages, as its own user."""

import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench.peer import COMMAND, Drain, Latency, Missing
from bench.process_cost import Cost, cost_of

_PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol")
_CONF = """\
ClusterName=bench
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge
CryptoType=crypto/munge
SlurmctldPort={controller}
SlurmdPort={node}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
NodeName={host} NodeAddr=127.0.0.1 CPUs={workers} State=UNKNOWN
PartitionName=bench Nodes={host} Default=YES State=UP OverSubscribe=NO
"""


class Slurm:
    """The peer. Its workers are kept quiet by a partition that is down."""

    name = "Slurm"

    def __init__(self, folder: Path) -> None:
        missing = [program for program in _PROGRAMS if not shutil.which(program)]
        if missing:
            raise Missing(f"Slurm: {', '.join(missing)} missing; Debian: apt-get install slurm-wlm munge")
        self._folder = folder
        (folder / "state").mkdir()
        (folder / "spool").mkdir()
        key = folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        folder.chmod(0o755)  # munge refuses places that others may write
        words = ["munged", "--foreground", "--force", f"--socket={folder}/munge", f"--key-file={key}"]
        words += [f"--pid-file={folder}/munged.pid", f"--seed-file={folder}/munge.seed"]
        self._log = (folder / "log").open("ab")
        self._munge = subprocess.Popen(words, stdout=self._log, stderr=self._log)
        self._environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf")}
        self._daemons: list[subprocess.Popen[bytes]] = []
        self._number = 0
        self._outputs: list[Path] = []

    def workers(self, count: int) -> None:
        self._end_daemons()
        host, (controller, node) = socket.gethostname().partition(".")[0], _free_ports(2)
        values = {"host": host, "user": getpass.getuser(), "folder": self._folder, "workers": count}
        text = _CONF.format(**values, controller=controller, node=node)
        (self._folder / "slurm.conf").write_text(text)
        for words in (["slurmctld", "-D", "-c"], [sys.executable, "-m", "bench.reaping", "slurmd", "-D"]):
            started = subprocess.Popen(words, env=self._environment, stdout=self._log, stderr=self._log)
            self._daemons.append(started)
        until = time.monotonic() + 60
        while "idle" not in self._run("sinfo", "-h", "-o", "%T", fails=True):
            if time.monotonic() > until:
                raise SystemExit(f"Slurm's node does not come up; see {self._folder}/log")
            time.sleep(0.2)
        self.put(count * 3)
        self.wake()
        self.drained()
        self.quiet()

    def wake(self) -> None:
        self._run("scontrol", "update", "PartitionName=bench", "State=UP")

    def quiet(self) -> None:
        self._run("scontrol", "update", "PartitionName=bench", "State=DOWN")

    def put(self, count: int) -> None:
        self._outputs = [self._put()[1] for _ in range(count)]

    def drained(self) -> Drain:
        """Its end is seen 50 ms late at most."""
        while self._run("squeue", "-h", "-o", "%i"):
            time.sleep(0.05)
        last = time.time()
        first = min(float(output.read_text()) for output in self._outputs)
        return Drain(len(self._outputs), last - first)

    def one(self) -> Latency:
        begun = time.time()
        number, output = self._put()
        accepted = time.time()
        while self._run("squeue", "-h", "-t", "all", "-j", number, "-o", "%T") != "COMPLETED":
            time.sleep(0.002)
        seen = time.time()
        started = float(output.read_text())
        return Latency((accepted - begun) * 1e3, (started - begun) * 1e3, (seen - begun) * 1e3)

    def cost(self) -> Cost:
        return cost_of([self._daemons[1].pid])

    def calls(self) -> float:
        return float("nan")

    def close(self) -> None:
        self._end_daemons()
        self._munge.terminate()
        self._munge.wait()
        self._log.close()

    def _end_daemons(self) -> None:
        for daemon in reversed(self._daemons):
            daemon.terminate()
            daemon.wait()
        self._daemons.clear()

    def _put(self) -> tuple[str, Path]:
        self._number += 1
        output = self._folder / f"j{self._number}.out"
        words = ("sbatch", "--parsable", "-o", str(output), "--chdir", "/")
        return self._run(*words, text=f"#!/bin/bash\n{COMMAND}\n"), output

    def _run(self, *words: str, fails: bool = False, text: str = "") -> str:
        how: dict[str, Any] = {"env": self._environment, "check": not fails, "input": text, "text": True}
        done: subprocess.CompletedProcess[str] = subprocess.run(words, capture_output=True, **how)
        return done.stdout.strip()


def _free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in held]
    for server in held:
        server.close()
    return ports
