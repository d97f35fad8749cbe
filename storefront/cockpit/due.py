"""How much is to do in each area of the menu, on every page of the admin: counted once in a while for all staff."""

from collections import Counter
from collections.abc import Mapping

from django.core.cache import cache
from django.http import HttpRequest

from core.clock import database_now
from storefront.cockpit.todo import due_by_rights

#: So old the counts of the menu may be. *Today* counts anew each time.
SECONDS = 30
_KEY = "cockpit.due.2"


def due_of(request: HttpRequest) -> Mapping[str, int]:
    """Return the counts of the areas that who asks may see, at most SECONDS old."""
    counted = cache.get(_KEY)
    if counted is None:
        counted = due_by_rights(now=database_now())
        cache.set(_KEY, counted, SECONDS)
    return sum(
        (Counter(areas) for rights, areas in counted.items() if request.user.has_perms(rights.split())), Counter[str]()
    )
