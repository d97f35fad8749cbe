from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import F, Q
from django.db.models.functions import Length


def built(model: str, index: models.Index) -> list[migrations.operations.base.Operation]:
    """Build an index beside a running shop. What an interrupted build left is dropped first, so that it can be repeated."""
    left = migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {index.name}", migrations.RunSQL.noop)
    return [left, AddIndexConcurrently(model, index)]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("billing", "0013_lighter_transfers")]

    operations = [
        *built("hold", models.Index(Length("reference").desc(), F("reference").desc(), name="hold_newest")),
        *built(
            "transfer",
            models.Index(fields=["code", "-id"], condition=~Q(code__in=["hold", "settle"]), name="transfer_of_rare_code"),
        ),
    ]
