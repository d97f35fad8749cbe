"""Every kind of damage to the books, each with the equations that it breaks; the guards have to be taken away first."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import connection

from accounts.models import User
from billing import ledger
from billing.ledger import Posting
from billing.models import Account, AccountKind, Code
from core.clock import database_now
from orders.models import BalanceReading, Cancellation, ChildOrder, Order, ReconciliationSchedule
from orders.states import Progress, RefillState
from storefront.embedded.postgres import OWNER_ROLE
from tests.billing import cast
from tests.billing.bad_rows import Shop
from tests.billing.bad_topups import a_topup
from tests.billing.cast import own
from tests.roles import as_role, unguarded


def damage(statement: str, *values: Any) -> None:
    """Change rows behind the backs of all guards, as a hand in the database with every right could."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with unguarded():
            cursor.execute(statement, values)


def without(table: str, *constraints: str) -> None:
    with as_role(OWNER_ROLE), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for name in constraints:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
            cursor.execute(f"DROP INDEX IF EXISTS {name}")


Hurt = Callable[[dict[str, Order], User], None]


DAMAGES: list[tuple[str, Hurt, set[str]]] = []


def breaks(*names: str) -> Callable[[Hurt], Hurt]:
    def note(hurt: Hurt) -> Hurt:
        DAMAGES.append((hurt.__name__, hurt, set(names)))
        return hurt

    return note


@breaks("accounts_sum_to_zero", "wallet_balances", "wallet_lines")
def money_out_of_nowhere(shop: dict[str, Order], alice: User) -> None:
    damage("UPDATE billing_account SET balance = balance + 1 WHERE customer_id = %s", alice.pk)


@breaks("holds", "held_account", "closed_orders_hold_nothing", "orders_have_their_hold")
def a_refund_taken_back_from_the_hold(shop: dict[str, Order], alice: User) -> None:
    damage("UPDATE billing_hold SET refunded = 0 WHERE reference = %s", shop["partial"].reference)


@breaks("accounts_sum_to_zero", "wallet_balances", "wallet_lines", "lines_follow_transfers", "holds", "held_account")
def a_transfer_that_vanished(shop: dict[str, Order], alice: User) -> None:
    damage("DELETE FROM billing_transfer WHERE key = %s", f"{shop['queued'].reference}:hold")


@breaks("accounts_sum_to_zero", "wallet_balances", "lines_follow_transfers")
def a_transfer_that_grew(shop: dict[str, Order], alice: User) -> None:
    damage("UPDATE billing_transfer SET amount = amount + 1 WHERE code = 'credit'")


@breaks("lines_follow_transfers")
def a_sum_of_a_line_that_changed(shop: dict[str, Order], alice: User) -> None:
    damage("UPDATE billing_walletline SET spent = spent + 1, added = added + 1 WHERE number = 3")


@breaks("lines_follow_transfers")
def a_line_that_is_older_than_the_one_before(shop: dict[str, Order], alice: User) -> None:
    damage("UPDATE billing_walletline SET at = at - interval '1 day' WHERE number = 3")


@breaks("lines_follow_transfers")
def a_line_that_vanished(shop: dict[str, Order], alice: User) -> None:
    damage("DELETE FROM billing_walletline WHERE number = 3")


@breaks("wallet_lines")
def the_last_line_that_vanished(shop: dict[str, Order], alice: User) -> None:
    damage("DELETE FROM billing_walletline l USING billing_account a WHERE a.id = l.wallet_id AND l.number = a.lines")


@breaks("keys_parse")
def a_key_that_names_another_transfer(shop: dict[str, Order], alice: User) -> None:
    damage(
        "UPDATE billing_transfer SET key = 'order:1042:release:1' WHERE key = %s", f"{shop['queued'].reference}:hold"
    )


@breaks("holds", "orders_have_their_hold", "references_exist")
def a_hold_of_no_order(shop: dict[str, Order], alice: User) -> None:
    damage("UPDATE billing_hold SET reference = 'order:0' WHERE reference = %s", shop["queued"].reference)


@breaks("orders_have_their_hold")
def an_order_without_money(shop: dict[str, Order], alice: User) -> None:
    cast.order_row(alice, shop["queued"].service)


@breaks("orders_have_their_hold")
def a_charge_that_changed(shop: dict[str, Order], alice: User) -> None:
    damage("UPDATE orders_order SET charge = 2 WHERE id = %s", shop["doubted"].pk)


@breaks("holds", "orders_have_their_hold")
def a_hold_on_another_wallet(shop: dict[str, Order], alice: User) -> None:
    bob = cast.customer("bob@example.com")
    theirs = Account.objects.get(customer=bob).pk
    damage("UPDATE billing_hold SET wallet_id = %s WHERE reference = %s", theirs, shop["completed"].reference)


@breaks("closed_orders_hold_nothing")
def an_order_that_ended_without_its_money(shop: dict[str, Order], alice: User) -> None:
    late = cast.order(alice, shop["queued"].service)
    cast.placed(late, "9003", progress=Progress.COMPLETED)


@breaks("decisions_are_paid")
def more_refunded_than_a_person_decided(shop: dict[str, Order], alice: User) -> None:
    # Everything else adds up: it is a refund like any other.
    cast.settled(shop["by_hand"], "0.30")


@breaks("decisions_are_paid")
def less_refunded_than_a_person_decided(shop: dict[str, Order], alice: User) -> None:
    damage("UPDATE orders_order SET missing_by_hand = 300 WHERE id = %s", shop["by_hand"].pk)


@breaks("decisions_are_paid")
def decided_by_a_person_and_open(shop: dict[str, Order], alice: User) -> None:
    damage("UPDATE orders_order SET progress = 'in_progress' WHERE id = %s", shop["by_hand"].pk)


@breaks("refunds_by_hand_are_paid")
def less_refunded_than_by_hand(shop: dict[str, Order], alice: User) -> None:
    damage("UPDATE orders_order SET refunded_by_hand = 0.5 WHERE id = %s", shop["completed"].pk)


@breaks("unplaced_orders_hold_everything")
def earned_before_it_was_placed(shop: dict[str, Order], alice: User) -> None:
    cast.settled(shop["doubted"])


@breaks("one_live_attempt", "states_match_attempts", "attempts_follow_proof", "orders_guards")
def sent_again_in_doubt(shop: dict[str, Order], alice: User) -> None:
    without("orders_forwardattempt", "forward_attempt_one_live_per_order")
    damage(
        "INSERT INTO orders_forwardattempt (n, token, outcome, lane, lane_pid, lane_started, claimed_at, leased_until,"
        " unconfirmed_id, reason, evidence, expected_cost, order_id, provider_id)"
        " SELECT 2, gen_random_uuid(), 'sending', lane, lane_pid, lane_started, claimed_at, leased_until,"
        " '', '', '{}', expected_cost, order_id, provider_id"
        " FROM orders_forwardattempt WHERE order_id = %s",
        shop["doubted"].pk,
    )


@breaks("attempts_follow_proof", "orders_guards")
def sent_again_without_proof(shop: dict[str, Order], alice: User) -> None:
    without("orders_forwardattempt", "forward_attempt_not_sent_is_proven")
    damage("UPDATE orders_forwardattempt SET send_calls = NULL WHERE outcome = 'not_sent'")


@breaks("placed_orders_have_their_id", "orders_guards")
def two_orders_of_one_upstream_id(shop: dict[str, Order], alice: User) -> None:
    without("orders_order", "order_one_per_upstream_id")
    without("orders_forwardattempt", "forward_attempt_one_order_per_upstream_id")
    damage("UPDATE orders_order SET upstream_id = '9001' WHERE upstream_id = '9002'")
    damage("UPDATE orders_forwardattempt SET upstream_id = '9001' WHERE upstream_id = '9002'")


@breaks("placed_orders_have_their_id")
def an_id_its_attempt_does_not_know(shop: dict[str, Order], alice: User) -> None:
    damage("UPDATE orders_order SET upstream_id = '777' WHERE upstream_id = '9002'")


@breaks("placed_orders_have_their_id", "states_match_attempts")
def refunded_and_placed(shop: dict[str, Order], alice: User) -> None:
    damage(
        "UPDATE orders_forwardattempt SET outcome = 'placed', upstream_id = '5' WHERE order_id = %s", shop["refused"].pk
    )


@breaks("states_match_attempts")
def in_doubt_without_an_attempt(shop: dict[str, Order], alice: User) -> None:
    damage("UPDATE orders_order SET forward_state = 'in_doubt' WHERE id = %s", shop["queued"].pk)


@breaks("one_open_refill", "orders_guards")
def two_open_refills(shop: dict[str, Order], alice: User) -> None:
    without("orders_refill", "refill_one_open_per_order")
    cast.refill(shop["completed"], state=RefillState.REQUESTED)


@breaks("one_open_cancellation")
def a_request_to_cancel_what_is_over(shop: dict[str, Order], alice: User) -> None:
    Cancellation.objects.create(order=shop["completed"], provider=shop["completed"].provider)


@breaks("children_belong_to_one_parent")
def a_child_of_an_order_that_was_never_placed(shop: dict[str, Order], alice: User) -> None:
    queued = shop["queued"]
    ChildOrder.objects.create(parent=queued, provider=queued.provider, upstream_id="70011")


@breaks("gateways")
def a_gateway_with_money_from_elsewhere(shop: dict[str, Order], alice: User) -> None:
    sql = "UPDATE billing_transfer SET source_id = %s WHERE key = 'credit:start:alice@example.com'"
    damage(sql, own(AccountKind.GATEWAY))


@breaks("topups")
def a_top_up_credited_without_a_transfer(shop: dict[str, Order], alice: User) -> None:
    order = shop["queued"]
    a_topup(Shop(alice, alice, order.service, order), credited=cast.ONE)


@breaks("billing_guards")
def a_key_that_may_be_used_twice(shop: dict[str, Order], alice: User) -> None:
    without("billing_transfer", "billing_transfer_key_key")


@breaks("orders_guards")
def two_schedules_for_one_provider(shop: dict[str, Order], alice: User) -> None:
    without("orders_probeschedule", "orders_probeschedule_provider_id_key")


@breaks("billing_guards")
def a_disabled_guard_of_money(shop: dict[str, Order], alice: User) -> None:
    with as_role(OWNER_ROLE), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE billing_account DISABLE TRIGGER billing_account_guard")


@breaks("billing_guards")
def a_lost_rule_of_money(shop: dict[str, Order], alice: User) -> None:
    with as_role(OWNER_ROLE), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE billing_hold DROP CONSTRAINT hold_never_overdrawn")


@breaks("orders_guards")
def a_lost_rule_of_sending_once(shop: dict[str, Order], alice: User) -> None:
    with as_role(OWNER_ROLE), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("DROP INDEX forward_attempt_one_live_per_order")


@breaks("orders_guards")
def a_lost_guard_of_scans(shop: dict[str, Order], alice: User) -> None:
    with as_role(OWNER_ROLE), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("DROP TRIGGER orders_thawscan_append_only ON orders_thawscan")


@breaks("core_guards")
def a_lost_guard_of_what_staff_did(shop: dict[str, Order], alice: User) -> None:
    with as_role(OWNER_ROLE), connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER core_staffaction_append_only ON core_staffaction")


@breaks("billing_guards", "orders_guards", "core_guards", "pages_guards")
def guards_against_truncating_that_were_switched_off(shop: dict[str, Order], alice: User) -> None:
    with as_role(OWNER_ROLE), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in ("billing_hold", "orders_ownid", "core_staffaction", "pages_termsversion"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {table}_no_truncate")


@breaks("orders_guards")
def a_lost_guard_of_orders(shop: dict[str, Order], alice: User) -> None:
    with as_role(OWNER_ROLE), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("DROP TRIGGER orders_orderevent_append_only ON orders_orderevent")


@breaks("provider_books")
def a_quiet_reading_that_differs_and_left_no_row(shop: dict[str, Order], alice: User) -> None:
    provider, now = shop["queued"].provider, database_now()
    BalanceReading.objects.create(
        provider=provider, at=now, amount=7, currency="USD", entries=0, charges=0, sends="", is_quiet=True
    )


@breaks("order_costs_have_their_row")
def a_charge_above_the_price_that_left_no_row(shop: dict[str, Order], alice: User) -> None:
    order, now = shop["completed"], database_now()
    ReconciliationSchedule.objects.create(provider=order.provider, next_at=now, checked_at=now)
    Order.objects.filter(pk=order.pk).update(
        provider_charge=order.expected_charge + 1, answered_at=now - timedelta(minutes=11)
    )


@breaks("documents")
def a_receipt_of_money_that_never_came(shop: dict[str, Order], alice: User) -> None:
    topup = a_topup(Shop(alice, alice, shop["queued"].service, shop["queued"]))
    damage("INSERT INTO billing_documentcounter VALUES ('R-2026', 1)")
    damage(
        """INSERT INTO billing_document (kind, series, ordinal, customer_id, topup_id, amount, fee, tax, tax_percent,
                                         language, html, made_at)
           VALUES ('receipt', 'R-2026', 1, %s, %s, 1, 0, 0, 0, 'en', '', now())""",
        alice.pk,
        topup.pk,
    )


@breaks("document_numbers")
def a_number_that_no_receipt_has(shop: dict[str, Order], alice: User) -> None:
    damage("INSERT INTO billing_documentcounter VALUES ('R-2026', 1)")


@breaks("signup_credits")
def a_credit_for_a_new_customer_without_its_row(shop: dict[str, Order], alice: User) -> None:
    wallet = Account.objects.get(customer=alice)
    posting = Posting(
        f"signup:{alice.pk}:bonus", Code.BONUS, own(AccountKind.BONUS), wallet.pk, cast.ONE, f"signup:{alice.pk}"
    )
    ledger.post([posting])
