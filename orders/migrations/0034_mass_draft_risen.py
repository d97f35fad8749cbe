from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0033_jobs_and_mass_orders")]

    operations = [
        migrations.AddField(
            model_name="massdraft",
            name="risen",
            field=models.JSONField(default=dict, verbose_name="prices shown before"),
        ),
    ]
