"""The guards of top-ups, and the codes that top-ups add to the ledger, in SQL. Frozen: a change is a new migration."""

from billing.migrations import _wallet_lines


def _changed(sql: str, *changes: tuple[str, str]) -> str:
    for old, new in changes:
        if sql.count(old) != 1:
            raise ValueError(f"{old} stands there {sql.count(old)} times")
        sql = sql.replace(old, new)
    return sql


#: As before, with five more codes. What comes back after a chargeback counts as added, so that no sum ever falls.
POST = _changed(
    _wallet_lines.POST,
    (
        "        WHEN 'fee'             THEN source_kind = 'fees'    AND target_kind = 'gateway'\n",
        "        WHEN 'fee'             THEN source_kind = 'fees'    AND target_kind = 'gateway'\n"
        "        WHEN 'topup_fee'       THEN source_kind = 'gateway' AND target_kind = 'fees'\n"
        "        WHEN 'topup_refund'    THEN source_kind = 'wallet'  AND target_kind = 'gateway'\n"
        "        WHEN 'bonus_back'      THEN source_kind = 'wallet'  AND target_kind = 'bonus'\n"
        "        WHEN 'chargeback_back' THEN source_kind = 'gateway' AND target_kind = 'wallet'\n"
        "        WHEN 'loss_back'       THEN source_kind = 'gateway' AND target_kind = 'loss'\n",
    ),
    ("NEW.code IN ('credit', 'topup', 'bonus')", "NEW.code IN ('credit', 'topup', 'bonus', 'chargeback_back')"),
    ("NEW.code IN ('debit', 'chargeback')", "NEW.code IN ('debit', 'chargeback', 'bonus_back', 'topup_refund')"),
)
POST_BEFORE = _wallet_lines.POST
#: Lost, as the path is, when the function is written anew: see 0015_lines_by_index.
BY_INDEX = "ALTER FUNCTION billing_transfer_post() SET enable_seqscan = off;"

GUARDS = """
CREATE FUNCTION billing_topup_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a top-up is kept' USING ERRCODE = 'check_violation', CONSTRAINT = 'topup_is_fixed';
    END IF;
    IF ROW(NEW.customer_id, NEW.method_id, NEW.reference, NEW.nonce, NEW.is_live, NEW.credit_amount, NEW.fee, NEW.bonus,
           NEW.pay_amount, NEW.pay_currency, NEW.is_gift)
       IS DISTINCT FROM
       ROW(OLD.customer_id, OLD.method_id, OLD.reference, OLD.nonce, OLD.is_live, OLD.credit_amount, OLD.fee, OLD.bonus,
           OLD.pay_amount, OLD.pay_currency, OLD.is_gift)
       OR (OLD.remote_id <> '' AND NEW.remote_id <> OLD.remote_id) THEN
        RAISE EXCEPTION 'what a top-up asks for is fixed when it starts'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'topup_is_fixed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER billing_topup_guard BEFORE UPDATE OR DELETE ON billing_topup
    FOR EACH ROW EXECUTE FUNCTION billing_topup_guard();
CREATE TRIGGER billing_topup_no_truncate BEFORE TRUNCATE ON billing_topup
    FOR EACH STATEMENT EXECUTE FUNCTION billing_no_truncate();

CREATE FUNCTION billing_topuppayment_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR ROW(NEW.topup_id, NEW.method_id, NEW.payment_id, NEW.currency)
        IS DISTINCT FROM ROW(OLD.topup_id, OLD.method_id, OLD.payment_id, OLD.currency) THEN
        RAISE EXCEPTION 'a payment belongs to its top-up for ever'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'topup_payment_is_kept';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER billing_topuppayment_guard BEFORE UPDATE OR DELETE ON billing_topuppayment
    FOR EACH ROW EXECUTE FUNCTION billing_topuppayment_guard();
CREATE TRIGGER billing_topuppayment_no_truncate BEFORE TRUNCATE ON billing_topuppayment
    FOR EACH STATEMENT EXECUTE FUNCTION billing_no_truncate();

CREATE FUNCTION billing_topupevent_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the history of a top-up is only added to'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'topup_history_is_final';
END $$;
CREATE TRIGGER billing_topupevent_guard BEFORE UPDATE OR DELETE ON billing_topupevent
    FOR EACH ROW EXECUTE FUNCTION billing_topupevent_is_final();
CREATE TRIGGER billing_topupevent_no_truncate BEFORE TRUNCATE ON billing_topupevent
    FOR EACH STATEMENT EXECUTE FUNCTION billing_no_truncate();
"""
DROP_GUARDS = "".join(
    f"DROP TRIGGER billing_{table}_no_truncate ON billing_{table};\n"
    f"DROP TRIGGER billing_{table}_guard ON billing_{table};\n"
    f"DROP FUNCTION billing_{table}_{name}();\n"
    for table, name in (("topup", "guard"), ("topuppayment", "guard"), ("topupevent", "is_final"))
)

#: A function that is written anew has lost its path.
FIXED_PATHS = """
DO $$
DECLARE
    guard text;
BEGIN
    FOREACH guard IN ARRAY ARRAY[{names}] LOOP
        EXECUTE format('ALTER FUNCTION %I() SET search_path = pg_catalog, %I, pg_temp', guard, current_schema());
    END LOOP;
END $$;
"""


def fixed_paths(*names: str) -> str:
    return FIXED_PATHS.format(names=", ".join(f"'{name}'" for name in names))
