"""Columns of the admin's lists: several values in one cell, and one spelling of dates, amounts and decimals."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django import forms
from django.contrib.admin.utils import display_for_field, display_for_value, label_for_field, lookup_field
from django.db.models import DateField, DateTimeField, DecimalField, Field, ForeignKey, ForeignObjectRel, Model
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from core.moments import day_text, moment_html
from core.money import AmountField
from core.numbers import plain_number
from core.templatetags.money import money_html


class Lines:
    """A column of ``list_display`` that shows several values, the first above the others in small print.

    A list has at most six columns. The values are fields of the model or methods of its admin class, and a field of
    ``list_editable`` keeps its input. The column is sorted by the first value.
    """

    def __init__(self, *names: str) -> None:
        self.names = names

    def __call__(self, row: Model) -> str:
        """Return nothing: Django's checks want something callable, and :meth:`bound` returns the column itself."""
        return ""

    def bound(self, page: Any) -> Callable[[Model], SafeString]:
        """Return the column as a function of the row, with the values that ``page`` knows."""
        labels, attributes = zip(
            *(label_for_field(name, page.model, page, return_attr=True) for name in self.names), strict=True
        )
        first = self.names[0]

        def shown(row: Model) -> SafeString:
            values = [_cell(page, name, row, is_first=n == 0) for n, name in enumerate(self.names)]
            below = [(value,) for value in values[1:] if value not in ("", page.get_empty_value_display())]
            return format_html("{}{}", values[0], format_html_join("", '<span class="second-line">{}</span>', below))

        column: Any = shown
        column.__name__ = first
        column.short_description = ", ".join(str(label) for label in labels)
        column.admin_order_field = getattr(attributes[0], "admin_order_field", None) or _field_name(page.model, first)
        return shown


def _cell(page: Any, name: str, row: Model, *, is_first: bool) -> str:
    """One value of a cell, as Django shows it in a column of its own; below the first a yes or no has its name."""
    form = getattr(row, "cells", None)
    if form is not None and name in page.list_editable:
        cell = form[name]
        is_box = isinstance(cell.field.widget, forms.CheckboxInput)
        return format_html("{}<label>{} {}</label>", cell.errors, cell, capfirst(cell.label) if is_box else "")
    nothing = page.get_empty_value_display()
    field, attribute, value = lookup_field(name, row, page)
    if field is None or field.auto_created:
        is_boolean = bool(getattr(attribute, "boolean", False))
        if is_boolean and not is_first:
            return _yes_or_no(label_for_field(name, page.model, page), value)
        return str(value) if isinstance(value, SafeString) else display_for_value(value, nothing, is_boolean)
    if field.remote_field:
        related = getattr(row, field.name)
        return nothing if related is None else str(related)
    if (written := written_for(field)) is not None:
        return nothing if value is None else written(value)
    if isinstance(value, bool) and not is_first:
        return _yes_or_no(field.verbose_name, value)
    return display_for_field(value, field, nothing)


def _yes_or_no(label: Any, value: bool | None) -> str:
    words = {True: _("%(what)s: yes"), False: _("%(what)s: no")}
    return words[bool(value)] % {"what": capfirst(str(label))}


def _field_name(model: type[Model], name: str) -> str | None:
    known = {field.name: field for field in model._meta.get_fields() if not isinstance(field, ForeignObjectRel)}
    return name if name in known else None


def written_for(field: Any) -> Callable[[Any], str] | None:
    """Return how lists write the values of ``field``; None where they leave it to Django."""
    if isinstance(field, AmountField):
        return money_html
    if isinstance(field, DecimalField):
        return plain_number
    if isinstance(field, DateTimeField):
        return moment_html
    return day_text if isinstance(field, DateField) else None


@lru_cache(maxsize=1000)
def plain_column(field: "DecimalField[Any, Any]") -> Callable[[Model], str | None]:
    """Return a read-only field of a form that shows this field's number plainly."""
    return _column(field, plain_number)


@lru_cache(maxsize=1000)
def unlinked_column(field: "ForeignKey[Any, Any]") -> Callable[[Model], str | None]:
    """Return a read-only field of a form that names the related row, where Django would link to its page."""

    def shown(row: Model) -> str | None:
        related = getattr(row, field.name)
        return None if related is None else str(related)

    column: Any = shown
    column.__name__, column.short_description = field.name, field.verbose_name
    return shown


@lru_cache(maxsize=1000)
def list_column(field: "Field[Any, Any]") -> Callable[[Model], str | None] | None:
    """Return a column of a list for a field that lists write in their own way; None for any other field."""
    written = written_for(field)
    return None if written is None else _column(field, written)


def _column(field: "Field[Any, Any]", written: Callable[[Any], str]) -> Callable[[Model], str | None]:
    def shown(row: Model) -> str | None:
        value: Decimal | datetime | date | None = getattr(row, field.attname)
        return None if value is None else written(value)

    column: Any = shown
    column.__name__, column.short_description, column.admin_order_field = field.name, field.verbose_name, field.name
    return shown
