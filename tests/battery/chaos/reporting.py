"""What a part hands to the gate: one JSON object with figures, counts, versions and how long everything took."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.battery.kinds import kinds_of


class Report:
    def __init__(self, part: str, seed: int) -> None:
        self.seed = seed
        self.facts: dict[str, Any] = {"part": part, "seed": seed, "finished": False, "seconds": {}}
        self.facts |= {"fault_counts": {}, "unexpected_ends": [], "left_over": []}
        self._began = time.monotonic()

    def tell(self, **facts: Any) -> None:
        self.facts.update(facts)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.facts["seconds"][name] = round(time.monotonic() - began, 1)

    def faults(self, counts: Mapping[str, int]) -> None:
        """How often the providers played each fault, by kind."""
        self.facts["fault_counts"] = kinds_of(counts)

    def processes(self, unexpected: Sequence[str], left_over: Sequence[str]) -> None:
        """Parts of the shop that ended by themselves, and those that did not end when told to."""
        self.facts["unexpected_ends"] += unexpected
        self.facts["left_over"] += left_over

    def finish(self, path: Path) -> None:
        self.facts["finished"] = True
        self.facts["seconds"]["all"] = round(time.monotonic() - self._began, 1)
        path.write_text(json.dumps(self.facts, indent=1, default=str) + "\n")
