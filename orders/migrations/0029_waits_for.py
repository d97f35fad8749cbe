import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """A nullable column without a constraint: no row is read or written, however many there are."""

    dependencies = [("catalog", "0024_order_rules_and_same_link"), ("orders", "0028_order_draft")]

    operations = [
        migrations.AddField(
            model_name="order",
            name="waits_for",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="orders.order",
                verbose_name="waits for",
            ),
        ),
    ]
