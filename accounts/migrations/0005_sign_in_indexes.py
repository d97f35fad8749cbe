from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q
from django.db.models.functions import Upper


class Migration(migrations.Migration):
    """Sign-in looks an account up by UPPER(email), the sweep looks for accounts that nobody ever signed in to."""

    atomic = False

    dependencies = [("accounts", "0004_plain_labels")]

    operations = [
        AddIndexConcurrently("user", models.Index(Upper("email"), name="user_email_upper")),
        AddIndexConcurrently(
            "user",
            models.Index(fields=["date_joined"], condition=Q(last_login=None), name="user_never_signed_in"),
        ),
    ]
