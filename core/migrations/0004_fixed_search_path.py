from django.db import migrations

FIXED_PATH = """
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION core_append_only() SET search_path = pg_catalog, %I, pg_temp', current_schema());
END $$;
"""


class Migration(migrations.Migration):
    """As for every other guard: nothing that a session has in its temporary schema is mistaken for ours."""

    dependencies = [("core", "0003_unlogged_counters")]

    operations = [migrations.RunSQL(FIXED_PATH, migrations.RunSQL.noop)]
