"""Check ports of this machine: free, listening, or served by a shop that is ready."""

import errno
import json
import socket
import time
from http.client import HTTPConnection, HTTPException

from storefront.demo.stopping import DemoProblem

LOOPBACK = "127.0.0.1"


def require_free(port: int, role: str) -> None:
    """Raises DemoProblem when nothing can listen on the port."""
    with socket.socket() as probe:
        # Like gunicorn: connections of the last run in TIME_WAIT do not matter.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as problem:
            why = {errno.EADDRINUSE: "is in use by another program", errno.EACCES: "needs administrator rights"}
            reason = why.get(problem.errno or 0, f"cannot be used ({problem.strerror})")
            raise DemoProblem(f"Port {port} ({role}) {reason}. Choose another: make demo PORT=8123") from None


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def is_ready(port: int, *, since: float) -> bool:
    """True if the shop there reports that everything works, its worker and its beat included.

    A sweep from before `since` (monotonic clock) does not count: it belongs to the last run.
    """
    link = HTTPConnection(LOOPBACK, port, timeout=3)
    try:
        link.request("GET", "/readyz")
        answer = json.loads(link.getresponse().read())
        return bool(answer["status"] == "ready" and answer["heard"]["sweep"] < time.monotonic() - since)
    except (OSError, HTTPException, ValueError):
        return False
    finally:
        link.close()
