from django.contrib.postgres.indexes import BrinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    """Built while the shop runs. What an interrupted build left is dropped first, so that it can be repeated."""

    atomic = False

    dependencies = [("billing", "0019_documents")]

    operations = [
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS transfer_by_time", migrations.RunSQL.noop),
        AddIndexConcurrently(
            "transfer",
            BrinIndex(fields=["created_at"], name="transfer_by_time", pages_per_range=32, autosummarize=True),
        ),
    ]
