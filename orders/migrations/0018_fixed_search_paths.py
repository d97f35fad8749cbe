from django.db import migrations

FIXED_PATHS = """
DO $$
DECLARE
    guard text;
BEGIN
    FOREACH guard IN ARRAY ARRAY[
        'orders_order_guard', 'orders_attempt_guard', 'orders_forwardattempt_new', 'orders_append_only',
        'orders_ownid_guard', 'orders_break_guard', 'orders_no_truncate', 'orders_home'
    ] LOOP
        EXECUTE format('ALTER FUNCTION %I() SET search_path = pg_catalog, %I, pg_temp', guard, current_schema());
    END LOOP;
END $$;
"""


class Migration(migrations.Migration):
    """A guard looks at the shop's tables, whatever a session has called its temporary ones."""

    dependencies = [("orders", "0017_fill_link_keys")]

    operations = [migrations.RunSQL(FIXED_PATHS, migrations.RunSQL.noop)]
