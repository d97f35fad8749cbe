"""The guards of orders and attempts, in SQL. Frozen: a change comes as a new migration, never as an edit."""

CREATE = """
CREATE FUNCTION orders_order_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'orders are never deleted' USING ERRCODE = 'check_violation', CONSTRAINT = 'order_is_kept';
    END IF;
    IF NEW.forward_state <> OLD.forward_state AND NOT (CASE OLD.forward_state
        WHEN 'queued'   THEN NEW.forward_state IN ('claimed', 'refunded')
        WHEN 'claimed'  THEN NEW.forward_state IN ('queued', 'sending')
        WHEN 'sending'  THEN NEW.forward_state IN ('placed', 'refused', 'queued', 'in_doubt')
        WHEN 'in_doubt' THEN NEW.forward_state IN ('placed', 'queued', 'refunded', 'review')
        WHEN 'review'   THEN NEW.forward_state IN ('placed', 'queued', 'refunded')
        ELSE false
    END) THEN
        RAISE EXCEPTION 'order %: forwarding does not go from % to %', OLD.id, OLD.forward_state, NEW.forward_state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'order_forward_moves';
    END IF;
    IF (NEW.customer_id, NEW.service_id, NEW.provider_id, NEW.external_service_id, NEW.link, NEW.quantity, NEW.total, NEW.fields,
        NEW.price, NEW.charge, NEW.expected_cost, NEW.created_at)
       IS DISTINCT FROM
       (OLD.customer_id, OLD.service_id, OLD.provider_id, OLD.external_service_id, OLD.link, OLD.quantity, OLD.total, OLD.fields,
        OLD.price, OLD.charge, OLD.expected_cost, OLD.created_at) THEN
        RAISE EXCEPTION 'order %: what was bought never changes', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'order_terms_are_final';
    END IF;
    IF OLD.upstream_id IS NOT NULL AND NEW.upstream_id IS DISTINCT FROM OLD.upstream_id THEN
        RAISE EXCEPTION 'order %: its id at the provider never changes', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'order_upstream_id_is_final';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER orders_order_guard BEFORE UPDATE OR DELETE ON orders_order
    FOR EACH ROW EXECUTE FUNCTION orders_order_guard();

CREATE FUNCTION orders_attempt_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'attempts are never deleted' USING ERRCODE = 'check_violation', CONSTRAINT = 'attempt_is_kept';
    END IF;
    IF NEW.outcome <> OLD.outcome AND NOT (CASE OLD.outcome
        WHEN 'claimed'  THEN NEW.outcome IN ('released', 'not_sent', 'sending')
        WHEN 'sending'  THEN NEW.outcome IN ('placed', 'refused', 'not_sent', 'in_doubt')
        WHEN 'in_doubt' THEN NEW.outcome IN ('placed', 'not_placed', 'not_sent', 'refused')
        ELSE false
    END) THEN
        RAISE EXCEPTION 'attempt %: its outcome does not go from % to %', OLD.id, OLD.outcome, NEW.outcome
            USING ERRCODE = 'check_violation', CONSTRAINT = 'attempt_outcome_moves';
    END IF;
    IF (NEW.n, NEW.token, NEW.provider_id, NEW.claimed_at) IS DISTINCT FROM (OLD.n, OLD.token, OLD.provider_id, OLD.claimed_at) THEN
        RAISE EXCEPTION 'attempt %: what was claimed never changes', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'attempt_claim_is_final';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER orders_forwardattempt_guard BEFORE UPDATE OR DELETE ON orders_forwardattempt
    FOR EACH ROW EXECUTE FUNCTION orders_attempt_guard();
CREATE TRIGGER orders_refillattempt_guard BEFORE UPDATE OR DELETE ON orders_refillattempt
    FOR EACH ROW EXECUTE FUNCTION orders_attempt_guard();

CREATE FUNCTION orders_forwardattempt_new() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The order's row is locked, so that a refund and a claim of the same order cannot pass each other.
    PERFORM 1 FROM orders_order WHERE id = NEW.order_id AND forward_state IN ('queued', 'claimed') FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'order %: only a queued order can be sent', NEW.order_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'attempt_needs_queued_order';
    END IF;
    IF NEW.outcome <> 'claimed' THEN
        RAISE EXCEPTION 'order %: an attempt begins with its claim', NEW.order_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'attempt_begins_claimed';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER orders_forwardattempt_new BEFORE INSERT ON orders_forwardattempt
    FOR EACH ROW EXECUTE FUNCTION orders_forwardattempt_new();

CREATE FUNCTION orders_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'check_violation', CONSTRAINT = 'append_only';
END $$;

CREATE TRIGGER orders_providerexchange_append_only BEFORE UPDATE OR DELETE ON orders_providerexchange
    FOR EACH ROW EXECUTE FUNCTION orders_append_only();
CREATE TRIGGER orders_orderevent_append_only BEFORE UPDATE OR DELETE ON orders_orderevent
    FOR EACH ROW EXECUTE FUNCTION orders_append_only();
"""

DROP = """
DROP TRIGGER orders_orderevent_append_only ON orders_orderevent;
DROP TRIGGER orders_providerexchange_append_only ON orders_providerexchange;
DROP FUNCTION orders_append_only();
DROP TRIGGER orders_forwardattempt_new ON orders_forwardattempt;
DROP FUNCTION orders_forwardattempt_new();
DROP TRIGGER orders_refillattempt_guard ON orders_refillattempt;
DROP TRIGGER orders_forwardattempt_guard ON orders_forwardattempt;
DROP FUNCTION orders_attempt_guard();
DROP TRIGGER orders_order_guard ON orders_order;
DROP FUNCTION orders_order_guard();
"""
