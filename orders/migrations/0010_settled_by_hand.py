from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = [("orders", "0009_lighter_writes")]

    operations = [
        migrations.AddField(
            "order",
            "reviewed",
            models.CharField(blank=True, db_default="", default="", max_length=120, verbose_name="looked at"),
        ),
        migrations.AddField(
            "order",
            "missing_by_hand",
            models.BigIntegerField(blank=True, null=True, verbose_name="not delivered, decided by a person"),
        ),
        migrations.AddConstraint(
            "order",
            models.CheckConstraint(
                condition=Q(missing_by_hand=None) | Q(missing_by_hand__gte=0, missing_by_hand__lte=F("total")),
                name="order_missing_by_hand_within_total",
            ),
        ),
    ]
