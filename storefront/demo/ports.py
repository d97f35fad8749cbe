"""Is a port of this machine free, and does somebody answer there?"""

import errno
import socket

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
