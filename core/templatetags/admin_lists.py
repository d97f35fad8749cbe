"""Tags of the one template of all the admin's lists."""

from typing import Any

from django import template
from django.contrib.admin.templatetags.admin_list import result_list
from django.contrib.admin.views.main import ChangeList
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from core.list_filters import FilterRow, filter_row

register = template.Library()


@register.simple_tag
def filters_of(changelist: ChangeList) -> FilterRow:
    """The search and the filters of a list."""
    return filter_row(changelist)


@register.inclusion_tag("admin/list_rows.html")
def list_rows(changelist: ChangeList) -> dict[str, Any]:
    """The table of a list. Each cell carries the name of its column, for phones, where rows become cards."""
    for row, form in zip(changelist.result_list, changelist.formset.forms if changelist.formset else (), strict=False):
        row.cells = form  # where columns of several values find their inputs
    context: dict[str, Any] = dict(result_list(changelist))
    headers = context["result_headers"]
    names = ["" if "action-checkbox" in str(h.get("class_attrib")) else str(h["text"]) for h in headers]
    for row in context["results"]:
        row[:] = [_named(cell, name) for cell, name in zip(row, names, strict=False)] + row[len(names) :]
    return context


def _named(cell: SafeString, name: str) -> SafeString:
    """The cell, which is one element as Django renders it, with the name of its column."""
    if not name:
        return cell
    start, rest = SafeString(cell[:3]), SafeString(cell[3:])  # "<td" or "<th", and all after it
    return format_html('{} data-label="{}"{}', start, capfirst(name), rest)
