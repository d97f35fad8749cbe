"""A filter of the admin's lists by the customer that a row belongs to."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import User


class CustomerFilter(admin.SimpleListFilter):
    """Rows of one customer, by their field ``customer``: links lead here, and it shows only while it is in use.

    Only those who may see people read whose number it is.
    """

    title = _("customer")
    parameter_name = "customer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        number = request.GET.get(self.parameter_name, "")
        if not (number.isascii() and number.isdigit() and len(number) < 18):
            return []
        if not request.user.has_perm("accounts.view_user"):
            return [(number, _("Customer %(number)s") % {"number": number})]
        return [(number, str(person)) for person in User.objects.filter(pk=int(number), is_staff=False)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        known = [number for number, _person in self.lookup_choices]
        return queryset.filter(customer_id=int(self.value() or 0)) if self.value() in known else queryset
