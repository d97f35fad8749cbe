from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0010_settled_by_hand")]

    operations = [
        migrations.AddField(
            "probedesk", "asked_at", models.DateTimeField(blank=True, null=True, verbose_name="last asked")
        ),
    ]
