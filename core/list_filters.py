"""The filters of the admin's lists as one row of selects, which work without a script.

Django offers each choice of a filter as a link. Here each filter is one select whose values are the part of such a link
that the filter understands, and :func:`clean_address` turns the sent form into the link.
"""

from dataclasses import dataclass
from typing import Any

from django.contrib.admin import (
    AllValuesFieldListFilter,
    BooleanFieldListFilter,
    DateFieldListFilter,
    EmptyFieldListFilter,
)
from django.contrib.admin.views.main import ERROR_FLAG, PAGE_VAR, SEARCH_VAR, ChangeList
from django.http import HttpRequest, QueryDict
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from core.quick_select import QuickSelect

#: The name of each select in the form.
FILTER_VAR = "filter"


@dataclass(frozen=True)
class FilterRow:
    """The form over a list: the search, the selects, and what else of the address is kept."""

    has_search: bool
    query: str
    search_label: str
    selects: list[SafeString]
    kept: list[tuple[str, str]]
    clear: str


def filter_row(changelist: ChangeList) -> FilterRow:
    """Return the row of ``changelist``; ``clear`` is the address without search and filters, empty if it has none."""
    specs = [spec for spec in changelist.filter_specs if _has_select(spec, changelist)]
    handled = {str(name) for spec in specs for name in spec.expected_parameters()}
    kept = [(name, str(value)) for name, value in changelist.params.items() if name not in {*handled, SEARCH_VAR}]
    clear = changelist.get_query_string(remove=[*handled, SEARCH_VAR])
    help_text = changelist.search_help_text
    return FilterRow(
        has_search=bool(changelist.search_fields),
        query=changelist.query,
        search_label=str(help_text) if help_text else _("Search"),
        selects=[_select(spec, changelist, n) for n, spec in enumerate(specs)],
        kept=kept,
        clear=clear if changelist.query or changelist.has_active_filters else "",
    )


def _has_select(spec: Any, changelist: ChangeList) -> bool:
    """False for a filter that tabs choose, and for one that only links lead to, while it is not in use."""
    page: Any = changelist.model_admin
    names = set(spec.expected_parameters())
    if names & set(page.tab_filters):
        return False
    return getattr(spec, "field_path", "") not in page.filters_of_links or bool(names & changelist.params.keys())


def _select(spec: Any, changelist: ChangeList, n: int) -> SafeString:
    """One filter as a select. A choice that would not say of what it is gets the filter's name in front."""
    title = capfirst(str(spec.title))
    needs_name = isinstance(spec, BooleanFieldListFilter | EmptyFieldListFilter | DateFieldListFilter)
    words = {_("Empty"): _("not set"), _("Not empty"): _("set")} if isinstance(spec, EmptyFieldListFilter) else {}
    options: list[tuple[str, str]] = []
    chosen = ""
    for choice in spec.choices(changelist):
        asked = QueryDict(choice["query_string"].removeprefix("?"), mutable=True)
        for name in list(asked):
            if name not in spec.expected_parameters():
                del asked[name]
        value, label = asked.urlencode(), str(choice["display"])
        if not value and not options:
            label = _("Any %(filter)s") % {"filter": spec.title} if not needs_name else f"{title}: {_('any')}"
        elif needs_name or (isinstance(spec, AllValuesFieldListFilter) and not label):
            label = f"{title}: {words.get(label, label).lower()}"
        options.append((value, label))
        chosen = value if choice["selected"] else chosen
    return QuickSelect(choices=options).render(FILTER_VAR, chosen, {"aria-label": title, "id": f"filter-{n}"})


def clean_address(request: HttpRequest) -> str | None:
    """Return the address of the list with what was chosen in the selects; None if the form was not sent."""
    if FILTER_VAR not in request.GET:
        return None
    asked = request.GET.copy()
    chosen = asked.pop(FILTER_VAR)
    for name in (PAGE_VAR, ERROR_FLAG):
        asked.pop(name, None)
    for part in chosen:
        asked.update(QueryDict(str(part)))
    if not asked.get(SEARCH_VAR):
        asked.pop(SEARCH_VAR, None)
    return f"{request.path}?{asked.urlencode()}" if asked else request.path
