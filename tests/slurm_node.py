"""A real Slurm of one node with two CPUs, started from Debian's packages and ended again."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol")
CONF = """\
ClusterName=toy
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=20
CryptoType=crypto/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=0,sched_interval=1,requeue_delay=1
ReturnToService=2
MpiDefault=none
KillWait=2
MinJobAge=60
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=gpu Nodes={host} Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
"""


class NoSlurmError(RuntimeError):
    """Why there is no Slurm here, in words."""


@contextmanager
def node(folder: Path) -> Iterator[None]:
    """One node, while this lasts; NoSlurmError where it cannot be started."""
    absent = [name for name in PROGRAMS if shutil.which(name, path=_PATH) is None]
    if absent:
        raise NoSlurmError(f"no {', '.join(absent)}: apt-get install slurm-wlm munge")
    for each in ("state", "spool"):
        (folder / each).mkdir()
    conf = folder / "slurm.conf"
    host = socket.gethostname().partition(".")[0]
    ports = [_free_port(), _free_port()]
    conf.write_text(CONF.format(host=host, user=getpass.getuser(), ports=ports, folder=folder))
    key = folder / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o600)
    named = {"socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
    files = [f"--{option}={folder}/munge.{name}" for option, name in named.items()]
    before = {name: os.environ.get(name) for name in ("SLURM_CONF", "PATH")}
    os.environ.update({"SLURM_CONF": str(conf), "PATH": _PATH})
    with ExitStack() as daemons:
        daemons.callback(_restore, before)
        for command in (
            ["munged", "--foreground", "--force", f"--key-file={key}", *files],
            ["slurmctld", "-D", "-f", str(conf)],
            ["slurmd", "-D", "-f", str(conf)],
        ):
            daemons.enter_context(_daemon(command, folder / f"{command[0]}.out"))
        _wait_for_node(folder)
        daemons.callback(empty_queue)
        yield


_PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"


def _restore(before: dict[str, str | None]) -> None:
    for name, value in before.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


def empty_queue() -> None:
    """What is left runs under stewards of its own, which would outlive the daemons."""
    subprocess.run(["scancel", f"--user={os.getuid()}"], check=False)
    for _ in range(60):
        done = subprocess.run(["squeue", "--noheader"], capture_output=True, text=True, check=False)
        if not done.stdout.strip():
            return
        time.sleep(0.5)


def _free_port() -> int:
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextmanager
def _daemon(command: list[str], told: Path) -> Iterator[None]:
    with told.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as daemon:
        try:
            yield
        finally:
            daemon.terminate()
            try:
                daemon.wait(timeout=20)
            except subprocess.TimeoutExpired:
                daemon.kill()


def _wait_for_node(folder: Path) -> None:
    for _ in range(60):
        done = subprocess.run(
            ["sinfo", "--noheader", "--format=%t"], capture_output=True, text=True, check=False
        )
        if done.stdout.split() == ["idle"]:
            return
        time.sleep(0.5)
    told = [line for path in sorted(folder.glob("*.out")) for line in path.read_text().splitlines()]
    reason = (done.stderr or done.stdout).strip()
    raise NoSlurmError(f"the node did not come up: {reason}; {' | '.join(told[-4:])}")
