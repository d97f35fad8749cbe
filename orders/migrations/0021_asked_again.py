from django.db import migrations, models

_GUARD = """
CREATE OR REPLACE FUNCTION orders_ownid_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'own ids are never forgotten' USING ERRCODE = 'check_violation', CONSTRAINT = 'own_id_is_kept';
    END IF;
    IF (NEW.provider_id, NEW.upstream_id) IS DISTINCT FROM (OLD.provider_id, OLD.upstream_id)
       OR NEW.first_seen_at > OLD.first_seen_at THEN
        RAISE EXCEPTION 'own id %: who it is, and that it was known by then, never changes', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'own_id_is_final';
    END IF;
    IF OLD.answered_at IS NOT NULL{unless}
       AND (NEW.answered_at IS NULL OR (NEW.state, NEW.charge, NEW.remains, NEW.shape, NEW.runs)
            IS DISTINCT FROM (OLD.state, OLD.charge, OLD.remains, OLD.shape, OLD.runs)) THEN
        RAISE EXCEPTION 'own id %: its first answer never changes', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'own_id_first_answer_is_final';
    END IF;
    IF OLD.explained IN ('attempt', 'child') AND (NEW.explained, NEW.attempt_id, NEW.parent_id)
       IS DISTINCT FROM (OLD.explained, OLD.attempt_id, OLD.parent_id) THEN
        RAISE EXCEPTION 'own id %: whose it is never changes', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'own_id_explanation_is_final';
    END IF;
    RETURN NEW;
END $$;

DO $$
BEGIN
    EXECUTE format(
        'ALTER FUNCTION orders_ownid_guard() SET search_path = pg_catalog, %I, pg_temp', current_schema()
    );
END $$;
"""
#: One that names no charge gives way, once, to the first that does.
_LATE_CHARGE = """
       AND NOT (NEW.answered_at IS NOT NULL AND coalesce(OLD.charge, 0) = 0 AND NEW.charge > 0 AND OLD.shape = 'plain'
                AND OLD.state NOT IN ('partial', 'canceled', 'refunded', 'failed')
                AND NEW.state NOT IN ('partial', 'canceled', 'refunded', 'failed'))"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0020_started_at")]

    operations = [
        migrations.AddField(
            "ownid", "asked_at", models.DateTimeField(blank=True, null=True, verbose_name="last asked again")
        ),
        migrations.RunSQL(_GUARD.replace("{unless}", _LATE_CHARGE), _GUARD.replace("{unless}", "")),
    ]
