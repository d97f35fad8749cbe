"""The corpus of answers: a file for each shape under payloads/, and its correct reading in cases.tsv.

Columns: file, action, HTTP status, content type, ids asked for (default: one order, 23501), settings of the
provider, the client's reading, and `then`: what settlement and synchronization must do with it, for their tests.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PAYLOADS = HERE / "payloads"


@dataclass(frozen=True)
class Case:
    file: str
    action: str
    http_status: int
    content_type: str
    asked: tuple[str, ...]
    settings: str
    reading: str
    then: str

    @property
    def body(self) -> bytes:
        return (PAYLOADS / self.file).read_bytes()

    @property
    def name(self) -> str:
        return self.file.rsplit(".", 1)[0] + (f"[{self.settings}]" if self.settings else "")


def all_cases() -> list[Case]:
    with (HERE / "cases.tsv").open(encoding="utf-8", newline="") as lines:
        return [
            Case(
                file=row["file"],
                action=row["action"],
                http_status=int(row["http_status"]),
                content_type=row["content_type"],
                asked=tuple(filter(None, row["asked"].split(","))),
                settings=row["settings"],
                reading=row["reading"],
                then=row["then"],
            )
            for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        ]
