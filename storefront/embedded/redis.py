import os
import signal
import socket
from pathlib import Path

from storefront.embedded.folders import private_folder
from storefront.embedded.owner import ourselves
from storefront.embedded.programs import find_redis
from storefront.embedded.server import Server


class Redis:
    """A Redis (or Valkey) on a private unix socket in `run`, with its append-only file in `folder`/<program>-<major>.

    One data folder per program and version, because an older one cannot read the files of a newer one.
    """

    def __init__(self, folder: Path, run: Path, *, durable: bool = True) -> None:
        self.program = find_redis()
        self.data = folder / self.program.label
        self.run = run
        self._durable = durable
        self._server = Server("Redis", folder / "redis.log", signal.SIGTERM)

    @property
    def socket_path(self) -> Path:
        return self.run / "redis.sock"

    @property
    def url(self) -> str:
        return f"unix://{self.socket_path}?db=0"

    @property
    def pid(self) -> int | None:
        return self._server.pid

    @property
    def alive(self) -> bool:
        return self._server.alive

    def start(self) -> None:
        """Stop a server that outlived a killed run, then start. Raises EmbeddedError with the end of the log."""
        private_folder(self.run)
        private_folder(self.data)
        self.end_left_over()
        options = {
            "port": "0",
            "unixsocket": str(self.socket_path),
            "unixsocketperm": "700",
            "dir": str(self.data),
            "save": "",
            "appendonly": "yes" if self._durable else "no",
            "maxmemory-policy": "noeviction",
        }
        self._server.start(
            [self.program.path, *(part for name, value in options.items() for part in (f"--{name}", value))],
            env={"PATH": os.defpath},
            owner=ourselves(),
            ready=lambda: self._send(b"PING\r\n").startswith(b"+PONG"),
        )

    def stop(self) -> None:
        self._server.stop()

    def kill(self) -> None:
        self._server.kill()

    def end_left_over(self) -> None:
        """Shut down a server that outlived a killed run; it removes its socket file itself."""
        self._send(b"SHUTDOWN NOSAVE\r\n")

    def _send(self, command: bytes) -> bytes:
        """Send a command; return the first bytes of the answer, or nothing if there is none."""
        try:
            with socket.socket(socket.AF_UNIX) as link:
                link.settimeout(2)
                link.connect(str(self.socket_path))
                link.sendall(command)
                return link.recv(64)
        except OSError:
            return b""
