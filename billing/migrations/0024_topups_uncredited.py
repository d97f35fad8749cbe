from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    """Built while the shop runs. What an interrupted build left is dropped first, so that it can be repeated."""

    atomic = False

    dependencies = [("billing", "0023_topups_checked")]

    operations = [
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS topup_may_be_uncredited", migrations.RunSQL.noop),
        AddIndexConcurrently(
            "topup",
            models.Index(
                fields=["id"],
                condition=Q(received__gt=F("pay_amount") + F("written_off"))
                | Q(decision="rejected", received__gt=F("written_off")),
                name="topup_may_be_uncredited",
            ),
        ),
    ]
