from django.db import migrations

TABLES = ("orders_repeatattempt", "orders_requestidtest")

CREATE = """
CREATE TRIGGER orders_repeatattempt_guard BEFORE UPDATE OR DELETE ON orders_repeatattempt
    FOR EACH ROW EXECUTE FUNCTION orders_attempt_guard();
CREATE TRIGGER orders_requestidtest_kept BEFORE DELETE ON orders_requestidtest
    FOR EACH ROW EXECUTE FUNCTION orders_append_only();
""" + "".join(
    f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
    " FOR EACH STATEMENT EXECUTE FUNCTION orders_no_truncate();\n"
    for table in TABLES
)
DROP = """
DROP TRIGGER orders_requestidtest_kept ON orders_requestidtest;
DROP TRIGGER orders_repeatattempt_guard ON orders_repeatattempt;
""" + "".join(f"DROP TRIGGER {table}_no_truncate ON {table};\n" for table in TABLES)


class Migration(migrations.Migration):
    """A repeat moves as every attempt does; neither it nor a test order is ever deleted."""

    dependencies = [("orders", "0022_repeats")]

    operations = [migrations.RunSQL(CREATE, DROP)]
