"""Whether the shop is frozen, for rooms below orders/, which knows: it says here how to ask."""

from collections.abc import Callable

from django.utils.translation import gettext as _

from core.refusals import Refusal

_questions: list[Callable[[], bool]] = []


def ask_by(question: Callable[[], bool]) -> None:
    """Let :func:`shop_is_frozen` ask ``question`` from now on."""
    _questions[:] = [question]


def shop_is_frozen() -> bool:
    """Return True while nothing may leave that could leave twice: one cheap query."""
    return any(question() for question in _questions)


class ShopFrozen(Refusal):
    """A frozen shop does not do this: after a restore it may have been done already."""

    code = "shop_frozen"


def demand_thawed() -> None:
    """Raises ShopFrozen in a frozen shop."""
    if shop_is_frozen():
        raise ShopFrozen(_("The shop is frozen after a restore, and this has to wait. Please try again later."))
