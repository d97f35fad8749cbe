from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q

_OVER = ["canceled", "completed", "expired", "partial", "refunded"]


class Migration(migrations.Migration):
    """Built while the shop runs."""

    atomic = False

    dependencies = [("orders", "0040_index_of_completed_orders")]

    operations = [
        # What an interrupted build left is no index: drop it, so that the migration can run again.
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS order_not_over", migrations.RunSQL.noop),
        AddIndexConcurrently(
            "order",
            models.Index(
                fields=["-id"],
                condition=~Q(forward_state__in=["refused", "refunded"])
                & (~Q(forward_state="placed") | ~Q(progress__in=_OVER)),
                name="order_not_over",
            ),
        ),
    ]
