from django.db import migrations


class Migration(migrations.Migration):
    """End every session: those from before have no row in the list of sessions, so nobody could see or end them."""

    dependencies = [
        ("accounts", "0005_sign_in_indexes"),
        ("sessions", "0001_initial"),
        ("usersessions", "0001_initial"),
    ]

    operations = [migrations.RunSQL("TRUNCATE django_session", migrations.RunSQL.noop)]
