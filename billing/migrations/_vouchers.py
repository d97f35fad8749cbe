"""The guards of vouchers and of reviews, in SQL. Frozen: a change comes as a new migration."""

from billing.migrations._gateways import fixed_paths

_GUARDS = """
CREATE FUNCTION billing_voucher_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NEW.digest <> OLD.digest OR NEW.batch_id <> OLD.batch_id
       OR (OLD.topup_id IS NOT NULL AND NEW.topup_id IS DISTINCT FROM OLD.topup_id) THEN
        RAISE EXCEPTION 'a voucher is redeemed once and kept'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'voucher_is_used_once';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER billing_voucher_guard BEFORE UPDATE OR DELETE ON billing_voucher
    FOR EACH ROW EXECUTE FUNCTION billing_voucher_guard();
CREATE TRIGGER billing_voucher_no_truncate BEFORE TRUNCATE ON billing_voucher
    FOR EACH STATEMENT EXECUTE FUNCTION billing_no_truncate();

CREATE FUNCTION billing_transferreview_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a review is never changed or deleted'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'transfer_review_is_final';
END $$;
CREATE TRIGGER billing_transferreview_guard BEFORE UPDATE OR DELETE ON billing_transferreview
    FOR EACH ROW EXECUTE FUNCTION billing_transferreview_is_final();
CREATE TRIGGER billing_transferreview_no_truncate BEFORE TRUNCATE ON billing_transferreview
    FOR EACH STATEMENT EXECUTE FUNCTION billing_no_truncate();
"""
GUARDS = _GUARDS + fixed_paths("billing_voucher_guard", "billing_transferreview_is_final")
DROP_GUARDS = "".join(
    f"DROP TRIGGER billing_{table}_no_truncate ON billing_{table};\n"
    f"DROP TRIGGER billing_{table}_guard ON billing_{table};\n"
    f"DROP FUNCTION billing_{table}_{name}();\n"
    for table, name in (("voucher", "guard"), ("transferreview", "is_final"))
)
