"""After a restore: what did the providers receive since the dump, and what may leave again."""

from orders.thawing.deed import NotYet, thaw, thaw_provider, waiting_for

__all__ = ["NotYet", "thaw", "thaw_provider", "waiting_for"]
