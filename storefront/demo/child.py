"""Run another program in this process, and end it when the demo dies, even by SIGKILL (Linux only).

Used as `python -m storefront.demo.child PARENT PROGRAM ARGUMENT...`.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, *command = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != int(parent):
            raise SystemExit("the demo ended before its child started")
    os.execvp(command[0], command)  # noqa: S606  # no shell: the words come from the demo itself


if __name__ == "__main__":
    main()
