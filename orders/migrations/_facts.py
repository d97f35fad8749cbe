"""Marks of days whose facts have to be counted anew, in SQL. Frozen: a change comes as a new migration.

Orders of the last day are left out: their days are counted every few minutes anyway (`orders/facts/upkeep.py`), and so
the usual life of an order marks nothing. A condition of a trigger costs next to nothing where it is false.
"""

CREATE = """
CREATE FUNCTION orders_mark_day() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO orders_changedday (placed_at) VALUES (NEW.created_at);
    RETURN NULL;
END $$;

CREATE TRIGGER orders_order_mark_day AFTER UPDATE ON orders_order FOR EACH ROW
    WHEN (NEW.created_at < statement_timestamp() - interval '24 hours' AND (
        OLD.started_at IS DISTINCT FROM NEW.started_at
        OR OLD.finished_at IS DISTINCT FROM NEW.finished_at
        OR OLD.progress <> NEW.progress
        OR OLD.forward_state <> NEW.forward_state
        OR (OLD.remains IS DISTINCT FROM NEW.remains AND NEW.finished_at IS NOT NULL)
    ))
    EXECUTE FUNCTION orders_mark_day();

CREATE FUNCTION orders_mark_day_of_refill() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO orders_changedday (placed_at) SELECT created_at FROM orders_order WHERE id = NEW.order_id;
    RETURN NULL;
END $$;

CREATE TRIGGER orders_refill_mark_day AFTER INSERT OR UPDATE OF state, finished_at ON orders_refill FOR EACH ROW
    EXECUTE FUNCTION orders_mark_day_of_refill();

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['orders_mark_day', 'orders_mark_day_of_refill'] LOOP
        EXECUTE format('ALTER FUNCTION %I() SET search_path = pg_catalog, %I, pg_temp', name, current_schema());
    END LOOP;
END $$;
"""

DROP = """
DROP TRIGGER orders_refill_mark_day ON orders_refill;
DROP FUNCTION orders_mark_day_of_refill();
DROP TRIGGER orders_order_mark_day ON orders_order;
DROP FUNCTION orders_mark_day();
"""
