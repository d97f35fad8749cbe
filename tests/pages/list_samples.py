"""Rows for the admin's lists of tables that are empty in a test: unsaved, with values as long as they may get."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin.views.main import ChangeList
from django.db import models
from django.http import HttpRequest

from core.clock import database_now
from orders.jobs.by_staff import OF_STAFF

#: Columns whose values are names in the code, without being choices.
_NAMES = {"orders.Job.kind": next(iter(OF_STAFF))}
_LONG = "Instagram Followers [ Max 500K ] [ Refill 365 days ] " + "x" * 60


def sample(model: type[models.Model], number: int, depth: int = 2) -> models.Model:
    """Return an unsaved row with a value in every column, and with the rows it refers to."""
    row = model()
    for field in model._meta.concrete_fields:
        if field.primary_key:
            row.pk = number
        elif field.remote_field:
            setattr(row, field.name, sample(field.remote_field.model, number, depth - 1) if depth else None)
        else:
            setattr(row, field.attname, _NAMES.get(str(field)) or value_of(field))
    return row


def value_of(field: Any) -> Any:
    """Return a long value for a column, or the one of an expression that a list adds to its rows."""
    limit = min(field.max_length or 120, 120)
    match field:
        case models.Field(choices=[*choices]) if choices:
            return choices[0][0]
        case models.BooleanField():
            return True
        case models.DurationField():
            return timedelta(days=12, hours=23, minutes=59)
        case models.DateTimeField():
            return database_now() - timedelta(days=40)
        case models.DateField():
            return database_now().date()
        case models.DecimalField():
            return Decimal("1234.56789")
        case models.IntegerField():
            return 123_456
        case models.GenericIPAddressField():
            return "2001:db8:85a3:8d3:1319:8a2e:370:7348"
        case models.EmailField():
            return "a-rather-long-address-of-bob@subdomain.harbor.example"
        case models.SlugField() | models.URLField():
            return "https-example-com-a-slug"[:limit]
        case models.CharField() | models.TextField():
            return _LONG[:limit]
    return field.get_default()


def fill_empty_lists(patch: pytest.MonkeyPatch) -> None:
    """Let lists that found nothing, though nothing was asked for, show three samples."""
    real = ChangeList.get_results

    def get_results(self: ChangeList, request: HttpRequest) -> None:
        real(self, request)
        if self.result_count or self.query or self.has_active_filters or self.list_editable:
            return
        rows = [sample(self.model, n) for n in (1, 2, 3)]
        for row in rows:
            for name, expression in self.queryset.query.annotations.items():
                setattr(row, name, value_of(expression.output_field))
        self.result_list, self.result_count, self.full_result_count = rows, 3, 3

    patch.setattr(ChangeList, "get_results", get_results)
