"""Is a port of this machine free, does somebody listen there, is it the shop and is it well?"""

import errno
import json
import socket
import time
from http.client import HTTPConnection, HTTPException

from storefront.demo.problems import DemoProblem

LOOPBACK = "127.0.0.1"


def require_free(port: int, role: str) -> None:
    """Raises DemoProblem when nothing can listen there."""
    with socket.socket() as probe:
        # As gunicorn does it: connections of the last run that are still being buried do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as problem:
            why = {errno.EADDRINUSE: "is taken by another program", errno.EACCES: "needs an administrator's rights"}
            reason = why.get(problem.errno or 0, f"cannot be used ({problem.strerror})")
            raise DemoProblem(f"Port {port} ({role}) {reason}. Choose another: make demo PORT=8123") from None


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def is_ready(port: int, *, since: float) -> bool:
    """Whether the shop there says that all of it works, its worker and its beat included.

    A sweep from before `since` (of the monotonic clock) speaks for the last run, not for this one.
    """
    link = HTTPConnection(LOOPBACK, port, timeout=3)
    try:
        link.request("GET", "/readyz")
        said = json.loads(link.getresponse().read())
        return bool(said["status"] == "ready" and said["heard"]["sweep"] < time.monotonic() - since)
    except (OSError, HTTPException, ValueError):
        return False
    finally:
        link.close()
