"""Where the demo works: a folder that is gone when it ends, and ports and addresses of this machine alone."""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from meshscope.demo.processes import uninterrupted
from meshscope.findings import Finding, MeshscopeError

LOOPBACK = "127.0.0.1"
_PREFIX = "meshscope-demo-"
_LOCK = ".lock"
# Below what Linux (from 32768) and other systems (from 49152) give to whoever asks for any port.
_GIVEN_TO_NOBODY = range(12_000, 32_000)


@contextmanager
def workshop() -> Iterator[Path]:
    """A folder for this run. What a killed run left is removed first: nobody holds its lock any more."""
    parent = Path(tempfile.gettempdir())
    for left in parent.glob(f"{_PREFIX}*"):
        _sweep(left)
    folder, lock = _locked()
    try:
        yield folder
    finally:
        with uninterrupted():
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def _locked() -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        lock = os.open(folder / _LOCK, os.O_WRONLY | os.O_CREAT, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Before it was locked, another demo may have taken it for a dead one's.
        if (folder / _LOCK).exists():
            return folder, lock
        os.close(lock)


def _sweep(left: Path) -> None:
    # Not ours to judge where it is somebody else's, or just being made.
    with suppress(OSError), (left / _LOCK).open("r") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(left, ignore_errors=True)


def free_ports(count: int) -> list[int]:
    """As many ports of this machine that nobody uses, all different.

    None of those that a machine gives to whoever asks for any: until the port is used, somebody else may be given it.
    Raises `MeshscopeError` where there are not enough.
    """
    dice = random.Random()  # noqa: S311 - dice, not a secret
    found: list[int] = []
    with ExitStack() as held:
        for port in dice.sample(_GIVEN_TO_NOBODY, len(_GIVEN_TO_NOBODY)):
            if len(found) == count:
                return found
            with suppress(OSError):
                held.enter_context(socket.create_server((LOOPBACK, port)))
                found.append(port)
    raise MeshscopeError(
        Finding(
            code="demo/no-port",
            title=f"there are no {count} free ports",
            why="each program listens at its own",
            help="end what has them",
        )
    )


def own_address(ports: Sequence[int]) -> str:
    """A loopback address at which ``ports`` are all free: as a pod has an address of its own, with fixed ports.

    Raises `MeshscopeError` where there is none.
    """
    dice = random.Random(os.getpid())  # noqa: S311 - dice, not a secret
    # All of 127.0.0.0/8 is this machine on Linux; elsewhere only the first address is.
    tried = [f"127.{dice.randint(1, 254)}.{dice.randint(1, 254)}.{dice.randint(2, 254)}" for _ in range(8)]
    for address in (*tried, LOOPBACK):
        with suppress(OSError), ExitStack() as held:
            for port in ports:
                held.enter_context(socket.create_server((address, port)))
            return address
    raise MeshscopeError(
        Finding(
            code="demo/no-port",
            title=f"the ports {', '.join(map(str, ports))} are taken",
            why="a collector listens there, as its built configuration says",
            help="end what uses them, or run `meshscope demo --no-live`",
        )
    )
