"""One readable log of many processes: a coloured name before each line."""

import os
import sys
import threading
from typing import IO

COLOURS = {"web": 36, "worker": 33, "beat": 35, "provider": 34, "prepare": 32, "demo": 1}
WIDTH = max(map(len, COLOURS))

_lock = threading.Lock()


def say(name: str, line: str) -> None:
    """Print one line with the name of its process. A closed output does not stop the demo."""
    head = f"{name:<{WIDTH}} |"
    if sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
        head = f"\033[{COLOURS.get(name, 0)}m{head}\033[0m"
    with _lock:
        try:
            print(head, line, flush=True)
        except OSError:
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # open for the rest of the run


def follow(name: str, stream: IO[str] | None) -> threading.Thread:
    """Print a process's lines as they come, in a thread that ends with the stream."""

    def pump() -> None:
        for line in stream or ():
            if line.strip():
                say(name, line.rstrip())

    thread = threading.Thread(target=pump, name=f"log of {name}", daemon=True)
    thread.start()
    return thread
