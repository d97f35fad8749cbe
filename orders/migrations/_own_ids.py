"""What guards own ids, and the ids that were known before there was a table. Frozen: a change comes as a new migration."""

CREATE = """
CREATE FUNCTION orders_ownid_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'own ids are never forgotten' USING ERRCODE = 'check_violation', CONSTRAINT = 'own_id_is_kept';
    END IF;
    IF (NEW.provider_id, NEW.upstream_id) IS DISTINCT FROM (OLD.provider_id, OLD.upstream_id)
       OR NEW.first_seen_at > OLD.first_seen_at THEN
        RAISE EXCEPTION 'own id %: who it is, and that it was known by then, never changes', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'own_id_is_final';
    END IF;
    IF OLD.answered_at IS NOT NULL
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

CREATE TRIGGER orders_ownid_guard BEFORE UPDATE OR DELETE ON orders_ownid
    FOR EACH ROW EXECUTE FUNCTION orders_ownid_guard();
"""

DROP = """
DROP TRIGGER orders_ownid_guard ON orders_ownid;
DROP FUNCTION orders_ownid_guard();
"""

KNOWN_BEFORE = """
INSERT INTO orders_ownid (provider_id, upstream_id, number, first_seen_at, state, shape, explained, attempt_id, decided_by)
SELECT a.provider_id, a.upstream_id,
       CASE WHEN a.upstream_id ~ '^[0-9]{1,18}$' THEN a.upstream_id::bigint END,
       coalesce(a.answered_at, o.placed_at, statement_timestamp()), '', '', 'attempt', a.id, ''
FROM orders_forwardattempt a JOIN orders_order o ON o.id = a.order_id
WHERE a.outcome = 'placed'
ON CONFLICT (provider_id, upstream_id) DO NOTHING
"""
