import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """A nullable column without index or constraint: no row is read or written, however many there are."""

    dependencies = [("accounts", "0009_key_use"), ("orders", "0030_waits_for_index")]

    operations = [
        migrations.AddField(
            model_name="order",
            name="api_key",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="accounts.apikey",
                verbose_name="API key",
            ),
        ),
    ]
