from django.db import migrations, models


class Migration(migrations.Migration):
    """The words in which each API key is answered. A column with a constant default: no row is written."""

    dependencies = [("accounts", "0006_listed_sessions")]

    operations = [
        migrations.AddField(
            "apikey",
            "status_words",
            models.CharField(
                choices=[
                    ("panel", "Panel words"),
                    ("smartpanel", "SmartPanel words"),
                ],
                db_default="panel",
                default="panel",
                max_length=10,
                verbose_name="words for subscriptions",
            ),
        )
    ]
