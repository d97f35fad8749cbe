from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """Built while the shop runs."""

    atomic = False

    dependencies = [("orders", "0039_jobs_of_staff")]

    operations = [
        # What an interrupted build left is no index: drop it, so that the migration can run again.
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS order_completed", migrations.RunSQL.noop),
        AddIndexConcurrently(
            "order",
            models.Index(
                fields=["finished_at"],
                condition=Q(progress="completed"),
                include=["created_at"],
                name="order_completed",
            ),
        ),
    ]
