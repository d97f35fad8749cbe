from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """An index of the orders that a provider still works on, for the owner's list of those that do not move."""

    atomic = False

    dependencies = [("orders", "0018_fixed_search_paths")]

    operations = [
        # What an interrupted build left is no index: drop it, so that the migration can run again.
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS order_open", migrations.RunSQL.noop),
        AddIndexConcurrently(
            "order",
            models.Index(
                fields=["placed_at"],
                condition=Q(forward_state="placed")
                & ~Q(progress__in=["canceled", "completed", "expired", "partial", "refunded"]),
                name="order_open",
            ),
        ),
    ]
