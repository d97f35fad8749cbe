"""Keeps calls apart, so that a provider's rate limit is met before it has to be enforced."""

import time

from core.clock import elapsed_clock


class Pace:
    """At most ``per_minute`` calls in a minute, evenly spread; the first one goes ``after`` so many seconds."""

    def __init__(self, per_minute: float, *, after: float = 0.0) -> None:
        self._gap = 60.0 / per_minute
        self._next = elapsed_clock() + after

    def wait(self, until: float) -> bool:
        """Wait for the next call's turn; False, without waiting, when that is later than ``until``."""
        pause = self._next - elapsed_clock()
        if max(self._next, elapsed_clock()) > until:
            return False
        if pause > 0:
            time.sleep(pause)
        self._next = max(self._next, elapsed_clock()) + self._gap
        return True
