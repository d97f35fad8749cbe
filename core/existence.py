"""Whether any of several queries finds a row, asked in one statement."""

from typing import Any

from django.db.models import IntegerField, QuerySet, Value


def any_exists(first: QuerySet[Any], *others: QuerySet[Any]) -> bool:
    """Return True if one of the queries finds a row. The statement ends at the first row that is found."""
    one = Value(1, IntegerField())
    rows, *more = (query.order_by().annotate(_one=one).values_list("_one")[:1] for query in (first, *others))
    return bool(list(rows.union(*more, all=True)[:1]))
