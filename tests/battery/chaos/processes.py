"""The shop's processes as the kernel sees them: who is whose child, and which of them talks to a provider just now."""

import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_ESTABLISHED = "01"


def members(session: int) -> list[int]:
    """Every living process of the session that a process of ours opened, orphans included."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with suppress(OSError, ValueError, IndexError):
            # The name in brackets may hold anything, so the fields are counted from behind it.
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == session and fields[0] not in ("Z", "X"):
                found.append(int(folder.name))
    return sorted(found)


def children(parent: int) -> list[int]:
    with suppress(OSError):
        return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
    return []


def talking_to(port: int, pids: Iterable[int]) -> list[int]:
    """Which of the processes hold a connection to this loopback port."""
    inodes = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[2].rpartition(":")[2], 16) == port and fields[3] == _ESTABLISHED:
            inodes.add(f"socket:[{fields[9]}]")
    return [pid for pid in pids if inodes & _descriptors(pid)]


def _descriptors(pid: int) -> set[str]:
    found = set()
    with suppress(OSError):
        for number in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                found.add(os.readlink(number))
    return found


def send(pid: int, number: signal.Signals) -> bool:
    """Whether the process was there to get the signal."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)
        return True
    return False


def is_stopped(pid: int) -> bool:
    with suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
    return False
