"""Who does what in tests of operations that staff carry out."""

from core.staff_actions import Actor

OWNER = Actor(code="staff:1", name="owner")


def owner_named(name: str) -> Actor:
    """One of several owners, for tests in which each does something else."""
    return Actor(code="staff:1", name=name)
