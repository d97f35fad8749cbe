from django.db import migrations, models


class Migration(migrations.Migration):
    """What a customer chose of a method, such as a coin. A constant default: no row is rewritten."""

    dependencies = [("billing", "0016_payments")]

    operations = [
        migrations.AddField(
            model_name="topup",
            name="choice",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=40),
        ),
    ]
