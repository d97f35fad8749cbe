"""Whether any of several queries finds a row, asked in one statement."""

from typing import Any

from django.db.models import IntegerField, QuerySet, Value


def any_exists(*queries: QuerySet[Any]) -> bool:
    """Return True if one of the queries finds a row. The statement ends at the first row that is found."""
    one = Value(1, IntegerField())
    asked = [query.order_by().annotate(_one=one).values_list("_one")[:1] for query in queries]
    asked = [query for query in asked if not query.query.is_empty()]
    if len(asked) < 2:
        return any(map(bool, asked))
    return bool(asked[0].union(*asked[1:], all=True).order_by()[:1])
