from django.db import migrations

CREATE = """
CREATE FUNCTION orders_forwardattempt_repeated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM orders_repeatattempt r WHERE r.attempt_id = NEW.id AND r.sent_at IS NOT NULL) THEN
        RAISE EXCEPTION 'attempt %: its request was repeated, so the first answer ends nothing', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'attempt_repeated_stays_in_doubt';
    END IF;
    RETURN NEW;
END $$;

DO $$
BEGIN
    EXECUTE format(
        'ALTER FUNCTION orders_forwardattempt_repeated() SET search_path = pg_catalog, %I, pg_temp', current_schema()
    );
END $$;

CREATE TRIGGER orders_forwardattempt_repeated BEFORE UPDATE OF outcome ON orders_forwardattempt
    FOR EACH ROW WHEN (OLD.outcome = 'in_doubt' AND NEW.outcome IN ('refused', 'not_sent'))
    EXECUTE FUNCTION orders_forwardattempt_repeated();
"""
DROP = """
DROP TRIGGER orders_forwardattempt_repeated ON orders_forwardattempt;
DROP FUNCTION orders_forwardattempt_repeated();
"""


class Migration(migrations.Migration):
    """An attempt whose request was repeated never ends as refused or not sent by the answer to its first request."""

    dependencies = [("orders", "0026_refill_window")]

    operations = [migrations.RunSQL(CREATE, DROP)]
