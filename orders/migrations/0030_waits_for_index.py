from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """Built while the shop runs. What an interrupted build left is dropped first, so that it can be repeated."""

    atomic = False

    dependencies = [("orders", "0029_waits_for")]

    operations = [
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS order_waits_for_order", migrations.RunSQL.noop),
        AddIndexConcurrently(
            "order",
            models.Index(
                fields=["waits_for"],
                condition=Q(waits_for__isnull=False, forward_state="queued", next_at=None),
                name="order_waits_for_order",
            ),
        ),
    ]
