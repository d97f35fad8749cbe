from django.db import migrations, models


class Migration(migrations.Migration):
    """Columns with a constant default and without a check: no row is read or written, however many there are."""

    dependencies = [("orders", "0025_audit_state")]

    operations = [
        migrations.AddField(
            model_name="order",
            name="refill_days",
            field=models.SmallIntegerField(db_default=0, default=0, verbose_name="refill, days"),
        ),
        migrations.AddField(
            model_name="order",
            name="refill_opens_hours",
            field=models.SmallIntegerField(db_default=0, default=0, verbose_name="refill opens, hours"),
        ),
    ]
