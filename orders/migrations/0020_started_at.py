from django.db import migrations, models

from orders.migrations import _facts


class Migration(migrations.Migration):
    """A column without values, and the marks of days. No row of a table that is there already is read or written."""

    dependencies = [("orders", "0019_open_orders")]

    operations = [
        migrations.CreateModel(
            name="ChangedDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("placed_at", models.DateTimeField(db_index=True, verbose_name="placed")),
            ],
            options={"verbose_name": "changed day", "verbose_name_plural": "changed days"},
        ),
        migrations.AddField(
            model_name="order",
            name="started_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="started"),
        ),
        migrations.RunSQL(_facts.CREATE, _facts.DROP),
    ]
