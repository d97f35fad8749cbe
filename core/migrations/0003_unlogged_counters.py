from django.db import migrations


class Migration(migrations.Migration):
    """Counters are written at each attempt to sign in and are worth nothing after a crash: the log need not hold them.

    The table is small, so that rewriting it takes a moment.
    """

    dependencies = [("core", "0002_staff_actions_and_settings")]

    operations = [migrations.RunSQL("ALTER TABLE core_cache SET UNLOGGED", "ALTER TABLE core_cache SET LOGGED")]
