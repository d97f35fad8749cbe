from django.db import migrations, models


class Migration(migrations.Migration):
    """The column alone: it has a default in the database, so no row is written, and older code goes on inserting."""

    dependencies = [("orders", "0015_no_truncate")]

    operations = [
        migrations.AddField(
            model_name="order",
            name="link_key",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=200, verbose_name="key of the link"
            ),
        ),
    ]
