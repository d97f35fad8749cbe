"""The base of every page of the admin: it filters only by what it shows, and writes down what staff change."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import DecimalField, ForeignKey, Model, QuerySet
from django.http import HttpRequest

from core.capped_count import CappedPaginator
from core.numbers import NumberField, plain_number
from core.search_widget import NumberSelect
from core.staff_actions import SECRET_SET, record_staff_action, record_staff_actions, staff_actor

#: How the admin's own filters look a column up.
_COMPARISONS = frozenset({"exact", "id__exact", "in", "isnull", "isempty", "gte", "gt", "lte", "lt"})


class ShopModelAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Django's class takes no parameter at run time.
    """A page of the admin. Its lists show the first 10,000 rows that match (`core.capped_count`).

    An address can ask for no column but the key and those of ``list_filter``. Django's own rule answers "does the
    password's hash begin with a?" for any column of the table. Every addition, change and deletion leaves a StaffAction
    in the same transaction; what a page does besides forms calls :meth:`record`.
    """

    paginator = CappedPaginator
    # For a search Django would also count all rows, without the search.
    show_full_result_count = False
    formfield_overrides = {DecimalField: {"form_class": NumberField}}  # noqa: RUF012 - as Django declares it

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Refuse "save as new" where no button offers it: Django adds a row then, past an ``add_view`` of our own."""
        if "_saveasnew" in request.POST and not self.save_as:
            raise PermissionDenied
        return super().changeform_view(request, object_id, form_url, extra_context)

    def get_list_display(self, request: HttpRequest) -> Any:
        """The columns, with decimals as people write them; those that can be edited keep their fields."""
        return [
            name if name in self.list_editable else self._plainly(name) for name in super().get_list_display(request)
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [self._plainly(name) for name in super().get_readonly_fields(request, obj)]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The fieldsets, in which a read-only decimal has the same name as in :meth:`get_readonly_fields`."""
        readonly = {getattr(name, "__name__", name): name for name in self.get_readonly_fields(request, obj)}
        return [
            (title, {**options, "fields": [_renamed(line, readonly) for line in options["fields"]]})
            for title, options in super().get_fieldsets(request, obj)
        ]

    def _plainly(self, name: Any) -> Any:
        """A column of decimals as a function of the row that gives the number without an exponent and end zeros."""
        known = {field.name: field for field in self.model._meta.fields if isinstance(field, DecimalField)}
        return plain_column(known[name]) if isinstance(name, str) and name in known else name

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """True for what the list's own filters ask, and for the number of a row."""
        shown = self.get_list_filter(request) if request else self.list_filter
        for entry in (self.opts.pk.name, *shown):
            first = entry[0] if isinstance(entry, list | tuple) else entry
            name = str(first if isinstance(first, str) else getattr(first, "parameter_name", ""))
            if lookup == name or (lookup.startswith(f"{name}__") and lookup[len(name) + 2 :] in _COMPARISONS):
                return True
        return False

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> "forms.ModelChoiceField[Any] | None":
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", NumberSelect(db_field, self.admin_site))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def record(
        self,
        request: HttpRequest,
        target: Model,
        action: str,
        sentence: str = "",
        *,
        reason: str = "",
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """Write down that this person did ``action``; ``sentence`` goes into the object's history in the admin.

        Call it in the operation's transaction.
        """
        record_staff_action(staff_actor(request), action, target, reason=reason, before=before, after=after)
        if sentence:
            self.note_in_history(request, target, sentence)

    def note_in_history(self, request: HttpRequest, target: Model, sentence: str) -> None:
        """Add ``sentence`` to the object's history in the admin, for an operation that writes its own StaffAction."""
        super().log_change(request, target, sentence)

    def record_each(
        self,
        request: HttpRequest,
        targets: Sequence[Model],
        action: str,
        sentence: str,
        *,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """Write down a bulk action for each row that it changed. Call it in the operation's transaction."""
        record_staff_actions(staff_actor(request), action, targets, after=after)
        if targets:
            LogEntry.objects.log_actions(request.user.pk or 0, targets, CHANGE, change_message=sentence)

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        # The log_… methods below are called next and get the sentence only, not the form.
        request.changed_values = changed_values(form)  # type: ignore[attr-defined]
        return super().construct_change_message(request, form, formsets, add)

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> LogEntry:
        self._record_form(request, obj, "add")
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> LogEntry:
        self._record_form(request, obj, "change")
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        for obj in queryset:
            self._record_form(request, obj, "delete")
        return super().log_deletions(request, queryset)

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any], *where: Any, **named: Any) -> Any:
        """Carry out an action of the list. Deletion is one transaction with what is written about it."""
        if request.POST.get("action") != "delete_selected":
            return super().response_action(request, queryset, *where, **named)
        with transaction.atomic():
            return super().response_action(request, queryset, *where, **named)

    def _record_form(self, request: HttpRequest, obj: Model, what: str) -> None:
        before, after = getattr(request, "changed_values", ({}, {})) if what != "delete" else ({}, {})
        record_staff_action(
            staff_actor(request), f"{obj._meta.model_name}.{what}", obj, before={} if what == "add" else before,
            after=after,
        )  # fmt: skip


@lru_cache(maxsize=1000)
def plain_column(field: "DecimalField[Any, Any]") -> Callable[[Model], str | None]:
    """Return a column of a list or a read-only field of a form that shows this field's number plainly."""

    def shown(row: Model) -> str | None:
        value = getattr(row, field.attname)
        return None if value is None else plain_number(value)

    shown.__name__ = field.name
    column: Any = shown
    column.short_description, column.admin_order_field = field.verbose_name, field.name
    return shown


def _renamed(line: Any, names: Mapping[str, Any]) -> Any:
    if isinstance(line, list | tuple):
        return [names.get(name, name) for name in line]
    return names.get(line, line)


def changed_values(form: forms.BaseForm) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the changed values of ``form``, as they were and as they are. Secrets are only said to be set."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for name in form.changed_data:
        field, old = form.fields[name], form.initial.get(name)
        if isinstance(field.widget, forms.PasswordInput):
            after[name] = SECRET_SET
            continue
        if type(field) is forms.ModelChoiceField:
            old = field.to_python(old)  # the form begins with its key, and its name is what people read
        before[name], after[name] = _text(old), _text(form.cleaned_data.get(name))
    return before, after


def _text(value: Any) -> Any:
    """A value as it is stored about a form: objects and lists of them by name."""
    if isinstance(value, QuerySet | list | tuple):
        return ", ".join(sorted(str(each) for each in value))
    if isinstance(value, Model):
        return str(value)
    return value
