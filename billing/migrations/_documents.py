"""The guards of receipts, their numbers, and what is given once, in SQL. Frozen: a change comes as a new migration."""

from billing.migrations._gateways import fixed_paths

#: Tables whose rows are written once, each with its guard.
KEPT = {
    "billing_document": "billing_document_is_final",
    "billing_documentpdf": "billing_document_is_final",
    "billing_firstbonus": "billing_bonus_is_final",
    "billing_signupcredit": "billing_bonus_is_final",
}

_GUARDS = """
CREATE FUNCTION billing_document_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a receipt is never changed or deleted'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'document_is_final';
END $$;

CREATE FUNCTION billing_bonus_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what is given once is written down for ever'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'given_once';
END $$;

CREATE FUNCTION billing_documentcounter_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NEW.series <> OLD.series OR NEW.last <> OLD.last + 1 THEN
        RAISE EXCEPTION 'numbers of receipts run without gaps'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'document_numbers_without_gaps';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER billing_documentcounter_guard BEFORE UPDATE OR DELETE ON billing_documentcounter
    FOR EACH ROW EXECUTE FUNCTION billing_documentcounter_guard();
CREATE TRIGGER billing_documentcounter_no_truncate BEFORE TRUNCATE ON billing_documentcounter
    FOR EACH STATEMENT EXECUTE FUNCTION billing_no_truncate();

CREATE FUNCTION billing_topup_terms_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.first_bonus <> OLD.first_bonus OR NEW.keeps_documents <> OLD.keeps_documents OR NEW.surplus < OLD.surplus THEN
        RAISE EXCEPTION 'what a top-up asks for is fixed when it starts'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'topup_is_fixed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER billing_topup_terms_guard BEFORE UPDATE ON billing_topup
    FOR EACH ROW EXECUTE FUNCTION billing_topup_terms_guard();

CREATE FUNCTION billing_spent_voucher_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.spent_at IS NOT NULL AND NEW.spent_at IS DISTINCT FROM OLD.spent_at)
       OR (NEW.spent_at IS NOT NULL AND NEW.topup_id IS NOT NULL) THEN
        RAISE EXCEPTION 'a voucher is redeemed once and kept'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'voucher_is_used_once';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER billing_spent_voucher_guard BEFORE UPDATE ON billing_voucher
    FOR EACH ROW EXECUTE FUNCTION billing_spent_voucher_guard();
"""
_KEPT = "".join(
    f"CREATE TRIGGER {table}_guard BEFORE UPDATE OR DELETE ON {table}\n"
    f"    FOR EACH ROW EXECUTE FUNCTION {name}();\n"
    f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}\n"
    "    FOR EACH STATEMENT EXECUTE FUNCTION billing_no_truncate();\n"
    for table, name in KEPT.items()
)
_FUNCTIONS = (
    "billing_document_is_final",
    "billing_bonus_is_final",
    "billing_documentcounter_guard",
    "billing_topup_terms_guard",
    "billing_spent_voucher_guard",
)
GUARDS = _GUARDS + _KEPT + fixed_paths(*_FUNCTIONS)
DROP_GUARDS = (
    "".join(f"DROP TRIGGER {table}_no_truncate ON {table};\nDROP TRIGGER {table}_guard ON {table};\n" for table in KEPT)
    + "DROP TRIGGER billing_spent_voucher_guard ON billing_voucher;\n"
    + "DROP TRIGGER billing_topup_terms_guard ON billing_topup;\n"
    + "DROP TRIGGER billing_documentcounter_no_truncate ON billing_documentcounter;\n"
    + "DROP TRIGGER billing_documentcounter_guard ON billing_documentcounter;\n"
    + "".join(f"DROP FUNCTION {name}();\n" for name in _FUNCTIONS)
)
