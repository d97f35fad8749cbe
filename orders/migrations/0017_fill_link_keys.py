from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q

from orders.checkout import link_keys


def fill_in(apps: Any, schema_editor: Any) -> None:
    link_keys.fill_in(apps.get_model("orders", "Order").objects)


def dropped(name: str) -> migrations.RunSQL:
    """What an interrupted build left is no index: drop it, so that the migration can run again."""
    return migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {name}", migrations.RunSQL.noop)


class Migration(migrations.Migration):
    """Fill in the keys in batches. Nothing waits for it, and after an interruption it goes on where it stopped."""

    atomic = False

    dependencies = [("orders", "0016_link_key"), ("catalog", "0012_no_create_ticket")]

    operations = [
        dropped("order_without_link_key"),
        AddIndexConcurrently(
            "order",
            models.Index(fields=["id"], condition=Q(link_key="") & ~Q(link=""), name="order_without_link_key"),
        ),
        migrations.RunPython(fill_in, migrations.RunPython.noop),
        dropped("order_link_key"),
        AddIndexConcurrently(
            "order", models.Index(fields=["link_key"], opclasses=["varchar_pattern_ops"], name="order_link_key")
        ),
    ]
