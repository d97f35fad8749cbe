"""The kinds of jobs, by name. A room adds its own with :func:`register` when it starts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from orders.models import Job, JobItem


@dataclass(frozen=True)
class JobKind:
    """What a job does to each of its objects.

    ``act`` gets the job, its object, and now. It runs in the transaction that records the result, so it may call nobody
    outside; it returns a sentence for the person who asked, and raises a Refusal for an expected no. ``title`` names a
    job about so many objects.
    """

    name: str
    title: Callable[[int], str]
    act: Callable[[Job, JobItem, datetime], str]


_KINDS: dict[str, JobKind] = {}


def register(kind: JobKind) -> JobKind:
    """Let jobs of this kind be started and run; return it. Raises ValueError if another kind has its name."""
    if _KINDS.setdefault(kind.name, kind) is not kind:
        raise ValueError(f"there are two kinds of jobs called {kind.name}")
    return kind


def kind_of(name: str) -> JobKind:
    """Return the kind with this name. Raises KeyError if there is none."""
    return _KINDS[name]
