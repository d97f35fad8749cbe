from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models import F, Q
from django.db.models.lookups import LessThanOrEqual

from core.money import LEAST

INDEXES = [
    (
        "order",
        models.Index(fields=["customer", "forward_state", "progress", "-id"], name="order_by_state"),
    ),
    ("order", models.Index(fields=["id"], condition=~Q(needs_review=""), name="order_to_look_at")),
    (
        "order",
        models.Index(
            fields=["provider", "finished_at"],
            condition=Q(runs__isnull=False) | Q(service_type="subscriptions"),
            name="order_with_children",
        ),
    ),
    (
        "order",
        models.Index(
            fields=["provider", "id"],
            condition=Q(forward_state="placed", provider_charge__gt=LEAST)
            & (
                Q(provider_charge__gt=F("expected_charge"))
                | Q(
                    LessThanOrEqual(
                        (F("charge") - F("refunded")) * F("expected_charge"), F("expected_cost") * F("provider_charge")
                    )
                )
            ),
            name="order_dearer",
        ),
    ),
    (
        "order",
        models.Index(
            fields=["progress", "-id"],
            condition=~Q(progress__in=["", "completed"]),
            name="order_ended_otherwise",
        ),
    ),
    (
        "forwardattempt",
        models.Index(
            fields=["provider"],
            condition=Q(outcome__in=["sending", "in_doubt", "not_placed"]),
            name="forward_attempt_may_own",
        ),
    ),
    ("ownid", models.Index(fields=["provider"], condition=Q(explained="child"), name="own_id_of_child")),
]


def built(model: str, index: models.Index) -> list[migrations.operations.base.Operation]:
    """Build an index beside a running shop. What an interrupted build left is dropped first, so that it can be repeated."""
    left = migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {index.name}", migrations.RunSQL.noop)
    return [left, AddIndexConcurrently(model, index)]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("orders", "0023_repeat_guards")]

    operations = [
        migrations.AlterField(
            model_name="order",
            name="source",
            field=models.CharField(
                choices=[("web", "Website"), ("api", "API")],
                default="web",
                max_length=10,
                verbose_name="placed through",
            ),
        ),
        *(operation for model, index in INDEXES for operation in built(model, index)),
        RemoveIndexConcurrently("forwardattempt", "forward_attempt_doubtful"),
    ]
