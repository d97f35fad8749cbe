from django.db import migrations, models


class Migration(migrations.Migration):
    """One more state of refunds, for Python alone: nothing changes in the database."""

    dependencies = [("billing", "0021_posted_in_place")]

    operations = [
        migrations.AlterField(
            model_name="paymentrefund",
            name="state",
            field=models.CharField(
                choices=[
                    ("waiting", "Being sent"),
                    ("by_hand", "To be sent by hand"),
                    ("done", "Sent"),
                    ("failed", "Failed"),
                ],
                default="waiting",
                max_length=10,
                verbose_name="state",
            ),
        ),
    ]
