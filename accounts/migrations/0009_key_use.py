import django.db.models.deletion
from django.db import migrations, models

import core.money


class Migration(migrations.Migration):
    """A daily limit for each API key, and a new table of what is ordered through it each day. No row is written."""

    dependencies = [("accounts", "0008_languages")]

    operations = [
        migrations.AddField(
            model_name="apikey",
            name="daily_limit",
            field=core.money.AmountField(
                blank=True, decimal_places=5, max_digits=20, null=True, verbose_name="daily limit"
            ),
        ),
        migrations.AddConstraint(
            model_name="apikey",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("daily_limit", None),
                    models.Q(("daily_limit__gt", core.money.LEAST), ("daily_limit__lt", core.money.MOST)),
                    _connector="OR",
                ),
                name="api_key_daily_limit_sane",
            ),
        ),
        migrations.CreateModel(
            name="ApiKeyUse",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField(verbose_name="day")),
                ("orders", models.BigIntegerField(verbose_name="orders")),
                ("spent", core.money.AmountField(decimal_places=5, max_digits=20, verbose_name="spent")),
                (
                    "most",
                    core.money.AmountField(decimal_places=5, max_digits=20, null=True, verbose_name="daily limit"),
                ),
                (
                    "key",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="use",
                        to="accounts.apikey",
                        verbose_name="API key",
                    ),
                ),
            ],
            options={
                "verbose_name": "use of an API key",
                "verbose_name_plural": "use of API keys",
                "ordering": ["key", "-day"],
                "constraints": [
                    models.UniqueConstraint(fields=("key", "day"), name="api_key_use_once_a_day"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("orders__gte", 1), ("spent__gt", core.money.LEAST), ("spent__lt", core.money.MOST)
                        ),
                        name="api_key_use_sane",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("most", None), ("spent__lte", models.F("most")), _connector="OR"),
                        name="api_key_within_daily_limit",
                    ),
                ],
            },
        ),
    ]
