"""The provider's own record of what it really received and accepted, written before it answers.

Tests compare a shop's view with it. With a journal file each line is flushed as it is written, so the record
survives a SIGKILL of the process: the kernel holds the bytes by then.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

KEPT_REQUESTS = 200_000


class Record:
    """Requests, counters and the journal. The newest ``KEPT_REQUESTS`` requests are kept, the counters are exact."""

    def __init__(self, journal: str | Path | None = None) -> None:
        self.requests: deque[dict[str, Any]] = deque(maxlen=KEPT_REQUESTS)
        self.actions: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.connections = 0
        self.unread = 0
        self.other = 0
        self.redirected: list[dict[str, Any]] = []
        self._path = Path(journal) if journal else None
        self._file: IO[str] | None = None

    def restore(self) -> Iterator[dict[str, Any]]:
        """Yield the events of an earlier run; a last line cut short by a crash is dropped from the file."""
        if not self._path:
            return
        self._path.touch()
        good = 0
        with self._path.open("rb") as lines:
            for line in lines:
                try:
                    event = json.loads(line) if line.endswith(b"\n") else None
                except ValueError:
                    event = None
                if not isinstance(event, dict):
                    break
                good += len(line)
                if event["event"] == "request":
                    self._count(event)
                else:
                    yield event
        self._file = self._path.open("a", encoding="utf-8")
        self._file.truncate(good)

    def request(self, *, action: str, at: float, fault: str | None, digest: str, link: str = "") -> None:
        """Record one request that was read to its end. The link goes into the journal only."""
        row = {"action": action, "at": at, "fault": fault, "connection": self.connections, "sha256": digest}
        self._count(row)
        self.write({"event": "request", **row, "link": link})

    def _count(self, row: dict[str, Any]) -> None:
        self.requests.append({key: row[key] for key in ("action", "at", "fault", "connection", "sha256")})
        self.actions[row["action"]] += 1
        if row["fault"]:
            self.faults[row["fault"]] += 1

    def write(self, event: dict[str, Any]) -> None:
        if self._file:
            self._file.write(json.dumps(event, ensure_ascii=True) + "\n")
            self._file.flush()

    def close(self) -> None:
        if self._file:
            self._file.close()
            self._file = None
