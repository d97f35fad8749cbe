"""The base of every page of the admin: it filters only by what it shows, and writes down what staff change."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.utils import flatten_fieldsets
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import DecimalField, ForeignKey, Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from core.capped_count import CappedPaginator
from core.list_columns import Lines, list_column, plain_column, unlinked_column
from core.list_filters import clean_address
from core.numbers import NumberField
from core.search_widget import NumberSelect
from core.staff_actions import SECRET_SET, record_staff_action, record_staff_actions, staff_actor

#: How the admin's own filters look a column up.
_COMPARISONS = frozenset({"exact", "id__exact", "in", "isnull", "isempty", "gte", "gt", "lte", "lt"})


class ShopModelAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Django's class takes no parameter at run time.
    """A page of the admin. Its lists have six columns at most and show the first 10,000 rows (`core.capped_count`).

    An address can ask for no column but the key and those of ``list_filter``. Django's own rule answers "does the
    password's hash begin with a?" for any column of the table. Every addition, change and deletion leaves a StaffAction
    in the same transaction; what a page does besides forms calls :meth:`record`.
    """

    paginator = CappedPaginator
    # For a search Django would also count all rows, without the search.
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    #: Parameters of filters that tabs over the list choose, and fields of filters that have a select only while in use.
    tab_filters: Sequence[str] = ()
    #: Columns and fields that not everybody sees who sees the table, and the rights of which one is enough.
    needs_right: Mapping[str, Sequence[str]] = {}  # noqa: RUF012 - as Django declares such things
    filters_of_links: Sequence[str] = ()
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

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list. A sent form of its filters is answered with the plain address of what was chosen."""
        address = clean_address(request) if request.method == "GET" else None
        return HttpResponseRedirect(address) if address else super().changelist_view(request, extra_context)

    def get_list_display(self, request: HttpRequest) -> Any:
        """The columns, with dates, amounts and decimals as lists write them; editable ones keep their fields.

        A field that can be edited inside a column of several values is no column of its own, though
        ``list_display`` has to name it.
        """
        names = [seen for name in super().get_list_display(request) if (seen := self._seen(request, name))]
        inside = {each for name in names if isinstance(name, Lines) for each in name.names}
        return [self._listed(name) for name in names if name not in inside]

    def sees(self, request: HttpRequest, name: str) -> bool:
        """Return whether who asks may see a column or field of this table."""
        rights = self.needs_right.get(name)
        return rights is None or any(request.user.has_perm(right) for right in rights)

    def _seen(self, request: HttpRequest, name: Any) -> Any:
        """What of a column, or of a row of fields, who asks may see; None if nothing."""
        if isinstance(name, Lines):
            names = tuple(each for each in name.names if self.sees(request, each))
            return Lines(*names) if names else None
        if isinstance(name, list | tuple):
            return tuple(each for each in name if self.sees(request, each)) or None
        return name if not isinstance(name, str) or self.sees(request, name) else None

    def _listed(self, name: Any) -> Any:
        if isinstance(name, Lines):
            return name.bound(self)
        known = {field.name: field for field in self.model._meta.fields}
        if not isinstance(name, str) or name not in known or name in self.list_editable:
            return name
        return list_column(known[name]) or name

    def action_checkbox(self, obj: Model) -> SafeString:
        """The box of a row, as Django writes it, without a template for each."""
        return format_html(
            '<input type="checkbox" name="{}" value="{}" class="action-select" aria-label="{}">',
            ACTION_CHECKBOX_NAME, obj.pk, _("Select this object for an action - {}").format(obj),
        )  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        names = [self._plainly(name) for name in super().get_readonly_fields(request, obj)]
        closed = self._unlinked(request)
        return [closed.get(name, name) if isinstance(name, str) else name for name in names]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The fieldsets as far as who asks may see them.

        A read-only decimal has the same name as in :meth:`get_readonly_fields`.
        """
        readonly = {getattr(name, "__name__", name): name for name in self.get_readonly_fields(request, obj)}
        if obj is not None and not self.has_change_permission(request, obj):
            readonly |= self._unlinked(request)  # Django shows every field of such a page as a read-only one.

        def shown(options: Mapping[str, Any]) -> list[Any]:
            lines = (self._seen(request, line) for line in options["fields"])
            return [_renamed(line, readonly) for line in lines if line]

        fieldsets = super().get_fieldsets(request, obj)
        return [(title, {**options, "fields": shown(options)}) for title, options in fieldsets]

    def _unlinked(self, request: HttpRequest) -> dict[str, Any]:
        """By name, the fields that lead to rows whose pages are closed to who asks, as functions that name them."""
        related = {field.name: field for field in self.model._meta.fields if isinstance(field, ForeignKey)}
        return {
            name: unlinked_column(field)
            for name, field in related.items()
            if (page := self.admin_site._registry.get(field.related_model)) is not None
            and not page.has_view_permission(request)
        }

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
        if what == "delete":
            before, after = self._shown_values(request, obj), {}
        else:
            before, after = getattr(request, "changed_values", ({}, {}))
        record_staff_action(
            staff_actor(request), f"{obj._meta.model_name}.{what}", obj, before={} if what == "add" else before,
            after=after,
        )  # fmt: skip

    def _shown_values(self, request: HttpRequest, obj: Model) -> dict[str, Any]:
        """Return the columns of a row that its page shows to who asks; no page shows one that holds a secret."""
        shown = {getattr(name, "__name__", name) for name in flatten_fieldsets(self.get_fieldsets(request, obj))}
        values = {}
        for field in (*self.opts.fields, *self.opts.many_to_many):
            if field.name in shown:
                value = getattr(obj, field.name)
                values[field.name] = _text(value.all() if field.many_to_many else value)
        return values


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
