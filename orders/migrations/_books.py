"""Guards of the provider accounts, and where a database says it lives. Frozen: a change comes as a new migration."""

CREATE = """
CREATE TRIGGER orders_providerentry_append_only BEFORE UPDATE OR DELETE ON orders_providerentry
    FOR EACH ROW EXECUTE FUNCTION orders_append_only();
CREATE TRIGGER orders_balancereading_append_only BEFORE UPDATE OR DELETE ON orders_balancereading
    FOR EACH ROW EXECUTE FUNCTION orders_append_only();
CREATE TRIGGER orders_thawscan_append_only BEFORE UPDATE OR DELETE ON orders_thawscan
    FOR EACH ROW EXECUTE FUNCTION orders_append_only();

CREATE FUNCTION orders_break_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'breaks are never deleted' USING ERRCODE = 'check_violation', CONSTRAINT = 'break_is_kept';
    END IF;
    IF OLD.state = 'closed' THEN
        RAISE EXCEPTION 'break %: it is closed', OLD.id USING ERRCODE = 'check_violation', CONSTRAINT = 'break_is_closed';
    END IF;
    IF (NEW.provider_id, NEW.kind, NEW.order_id, NEW.upstream_id, NEW.first_seen)
       IS DISTINCT FROM (OLD.provider_id, OLD.kind, OLD.order_id, OLD.upstream_id, OLD.first_seen) THEN
        RAISE EXCEPTION 'break %: what it is about never changes', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'break_cause_is_final';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER orders_break_guard BEFORE UPDATE OR DELETE ON orders_reconciliationbreak
    FOR EACH ROW EXECUTE FUNCTION orders_break_guard();

CREATE FUNCTION orders_home() RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    cluster text := '';
    timeline text := '';
BEGIN
    -- Some hosts keep these from the shop's role; then the numbers of database and table have to do.
    BEGIN
        SELECT system_identifier::text INTO cluster FROM pg_control_system();
    EXCEPTION WHEN insufficient_privilege OR undefined_function THEN
        cluster := '';
    END;
    -- Not from pg_control_checkpoint(), which tells of a new timeline only after the next checkpoint.
    BEGIN
        timeline := left(pg_walfile_name(pg_current_wal_lsn()), 8);
    EXCEPTION WHEN insufficient_privilege OR undefined_function OR object_not_in_prerequisite_state THEN
        timeline := '';
    END;
    RETURN concat_ws('/', cluster, timeline,
        (SELECT oid FROM pg_database WHERE datname = current_database()),
        'orders_shopstate'::regclass::oid);
END $$;
"""

DROP = """
DROP FUNCTION orders_home();
DROP TRIGGER orders_break_guard ON orders_reconciliationbreak;
DROP FUNCTION orders_break_guard();
DROP TRIGGER orders_thawscan_append_only ON orders_thawscan;
DROP TRIGGER orders_balancereading_append_only ON orders_balancereading;
DROP TRIGGER orders_providerentry_append_only ON orders_providerentry;
"""
