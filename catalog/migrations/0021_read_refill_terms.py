from typing import Any

from django.db import migrations, transaction

from catalog.refill_terms import refill_terms

BATCH = 1000


def read_again(apps: Any, schema_editor: Any) -> None:
    """Read the terms of the rows that are there, in batches: a row that does not change is not read by a sync."""
    rows = apps.get_model("catalog", "ProviderService").objects.filter(refill=True).order_by("pk")
    last = 0
    while batch := list(rows.filter(pk__gt=last).only("pk", "name", "description")[:BATCH]):
        with transaction.atomic():
            for row in batch:
                terms = refill_terms(row.name, row.description)
                if any(terms):
                    rows.filter(pk=row.pk).update(refill_days=terms.days, refill_opens_hours=terms.opens_hours)
        last = batch[-1].pk


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("catalog", "0020_refill_terms")]

    operations = [migrations.RunPython(read_again, migrations.RunPython.noop)]
