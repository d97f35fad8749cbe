"""Lists that may hold millions of rows, counted up to a limit: a page costs the same however long the list is."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property

#: Rows are counted up to here. Rows behind it are found with a filter or a search.
MOST_COUNTED = 10_000


class CappedPaginator(Paginator):  # type: ignore[type-arg]  # Django's class takes no parameter at run time.
    """Pages of the first MOST_COUNTED rows of a query. ``is_capped`` is true if there are more."""

    @cached_property
    def count(self) -> int:
        return min(self._counted, MOST_COUNTED)

    @property
    def is_capped(self) -> bool:
        return self._counted > MOST_COUNTED

    @cached_property
    def _counted(self) -> int:
        """The number of rows, or one more than MOST_COUNTED.

        Counted in the order of the list: the index that finds the rows of a page finds these as well.
        """
        rows: Any = self.object_list
        if not isinstance(rows, QuerySet):
            return len(rows)
        return rows[: MOST_COUNTED + 1].values("pk").count()
