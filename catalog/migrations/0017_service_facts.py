import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """New tables alone; the sweep fills them from the orders, some days at a time."""

    dependencies = [
        ("catalog", "0016_cancel_by_default"),
    ]

    operations = [
        migrations.CreateModel(
            name="ServiceFigures",
            fields=[
                (
                    "service",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="figures",
                        serialize=False,
                        to="catalog.service",
                        verbose_name="service",
                    ),
                ),
                ("starts_in", models.PositiveIntegerField(null=True, verbose_name="starts in, seconds")),
                ("starts_orders", models.PositiveIntegerField(default=0, verbose_name="orders that started")),
                ("starts_days", models.PositiveSmallIntegerField(default=30, verbose_name="days")),
                ("takes", models.PositiveIntegerField(null=True, verbose_name="1,000 takes, seconds")),
                ("takes_orders", models.PositiveIntegerField(default=0, verbose_name="orders timed")),
                ("takes_days", models.PositiveSmallIntegerField(default=30, verbose_name="days")),
                (
                    "average_time",
                    models.PositiveIntegerField(null=True, verbose_name="average time of the API, seconds"),
                ),
            ],
            options={
                "verbose_name": "figures of a service",
                "verbose_name_plural": "figures of services",
            },
        ),
        migrations.CreateModel(
            name="FactsState",
            fields=[
                ("id", models.SmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                ("time_zone", models.CharField(max_length=64, verbose_name="time zone")),
                ("counted_at", models.DateTimeField(null=True, verbose_name="counted")),
                ("day", models.DateField(null=True, verbose_name="day of the figures")),
                ("published_on", models.DateField(null=True, verbose_name="published")),
            ],
            options={
                "verbose_name": "state of the facts",
                "verbose_name_plural": "state of the facts",
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="facts_state_one_row")],
            },
        ),
        migrations.CreateModel(
            name="ServiceDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField(verbose_name="day")),
                ("orders", models.PositiveIntegerField(verbose_name="orders")),
                ("whole", models.PositiveIntegerField(verbose_name="delivered whole")),
                ("partial", models.PositiveIntegerField(verbose_name="partial")),
                ("canceled", models.PositiveIntegerField(verbose_name="canceled")),
                ("ordered", models.BigIntegerField(verbose_name="units ordered")),
                ("delivered", models.BigIntegerField(verbose_name="units delivered")),
                ("refills", models.PositiveIntegerField(verbose_name="refills asked for")),
                ("refilled", models.PositiveIntegerField(verbose_name="refilled")),
                ("refills_declined", models.PositiveIntegerField(verbose_name="refills declined or never answered")),
                ("start_times", models.JSONField(verbose_name="times to start")),
                ("thousand_times", models.JSONField(verbose_name="times for 1,000")),
                ("refill_times", models.JSONField(verbose_name="times of refills")),
                (
                    "service",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="days",
                        to="catalog.service",
                        verbose_name="service",
                    ),
                ),
            ],
            options={
                "verbose_name": "day of a service",
                "verbose_name_plural": "days of services",
                "indexes": [models.Index(fields=["day"], name="service_day_by_day")],
                "constraints": [models.UniqueConstraint(fields=("service", "day"), name="service_day_once")],
            },
        ),
    ]
