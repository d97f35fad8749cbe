"""Deposits that are held, in SQL: what refuses an order that would spend them. Frozen: a change is a new migration.

An order is refused under the lock of the wallet, after its balance has moved. What a deposit holds that was credited
meanwhile is seen then, as it was written in the transaction of the credit.
"""

from billing.migrations import _gateways
from billing.migrations._gateways import _changed

#: As before, and an order leaves in the wallet what is held. The time is that of the statement that placed it.
POST = _changed(
    _gateways.POST,
    ("    after numeric;\n", "    after numeric;\n    held_to timestamptz;\n    held numeric;\n"),
    (
        "        RETURNING balance, lines INTO after, line;\n",
        "        RETURNING balance, lines, held_until INTO after, line, held_to;\n",
    ),
    (
        "        IF line IS NOT NULL THEN\n",
        "        IF NEW.code = 'hold' AND held_to > NEW.created_at THEN\n"
        "            SELECT sum(amount) INTO held FROM billing_helddeposit\n"
        "            WHERE wallet_id = wallet AND released_at IS NULL AND until > NEW.created_at;\n"
        "            IF after < held THEN\n"
        "                RAISE EXCEPTION 'transfer %: deposits of % are held', NEW.key, held\n"
        "                    USING ERRCODE = 'check_violation', CONSTRAINT = 'deposit_is_held';\n"
        "            END IF;\n"
        "        END IF;\n"
        "        IF line IS NOT NULL THEN\n",
    ),
)
POST_BEFORE = _gateways.POST
BY_INDEX = _gateways.BY_INDEX

GUARDS = """
CREATE FUNCTION billing_helddeposit_note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF TG_RELID <> 'billing_helddeposit'::regclass THEN
        RAISE EXCEPTION '% is no table of held deposits', TG_RELID::regclass
            USING ERRCODE = 'check_violation', CONSTRAINT = 'held_deposit_is_kept';
    END IF;
    UPDATE billing_account SET held_until = NEW.until
    WHERE id = NEW.wallet_id AND (held_until IS NULL OR held_until < NEW.until);
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION billing_helddeposit_note() FROM PUBLIC;
CREATE TRIGGER billing_helddeposit_note AFTER INSERT OR UPDATE ON billing_helddeposit
    FOR EACH ROW EXECUTE FUNCTION billing_helddeposit_note();

CREATE FUNCTION billing_helddeposit_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR ROW(NEW.topup_id, NEW.wallet_id) IS DISTINCT FROM ROW(OLD.topup_id, OLD.wallet_id)
       OR NEW.until < OLD.until
       OR (OLD.released_at IS NOT NULL AND NEW.released_at IS DISTINCT FROM OLD.released_at) THEN
        RAISE EXCEPTION 'a held deposit is kept, and released once'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'held_deposit_is_kept';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER billing_helddeposit_guard BEFORE UPDATE OR DELETE ON billing_helddeposit
    FOR EACH ROW EXECUTE FUNCTION billing_helddeposit_guard();
CREATE TRIGGER billing_helddeposit_no_truncate BEFORE TRUNCATE ON billing_helddeposit
    FOR EACH STATEMENT EXECUTE FUNCTION billing_no_truncate();

CREATE FUNCTION billing_topup_origin_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF ROW(NEW.address, NEW.device, NEW.terms_id) IS DISTINCT FROM ROW(OLD.address, OLD.device, OLD.terms_id) THEN
        RAISE EXCEPTION 'from where a top-up was started is kept'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'topup_is_fixed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER billing_topup_origin_guard BEFORE UPDATE ON billing_topup
    FOR EACH ROW EXECUTE FUNCTION billing_topup_origin_guard();
"""
DROP_GUARDS = """
DROP TRIGGER billing_topup_origin_guard ON billing_topup;
DROP FUNCTION billing_topup_origin_guard();
DROP TRIGGER billing_helddeposit_no_truncate ON billing_helddeposit;
DROP TRIGGER billing_helddeposit_guard ON billing_helddeposit;
DROP TRIGGER billing_helddeposit_note ON billing_helddeposit;
DROP FUNCTION billing_helddeposit_guard();
DROP FUNCTION billing_helddeposit_note();
"""
FUNCTIONS = ("billing_helddeposit_note", "billing_helddeposit_guard", "billing_topup_origin_guard")
