"""Whoever runs SQL of their own as the shop's role moves no money without a transfer, and fools no guard.

That role may have temporary tables, and functions and triggers for them, and may set the search path of its session.
"""

from typing import Any

import psycopg
import pytest
from django.db import Error, connection, transaction

from billing import ledger
from billing.models import Account, AccountKind, Hold, Transfer, WalletLine
from orders.models import ForwardAttempt
from orders.states import Forward, Outcome
from storefront.embedded.postgres import OWNER_ROLE, SHOP_ROLE
from tests.billing import cast
from tests.billing.bad_rows import Shop
from tests.billing.cast import balance, money
from tests.roles import as_role

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Shop:
    alice, bob, service = cast.customer(), cast.customer("bob@example.com"), cast.service()
    return Shop(alice, bob, service, cast.order(alice, service))


def run(*statements: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def from_a_trigger_of_ones_own(deed: str) -> None:
    """Run ``deed`` as deep in triggers as the trigger of a transfer runs."""
    run(
        "CREATE TEMP TABLE mine (n int)",
        f"CREATE FUNCTION pg_temp.deed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {deed}; RETURN NEW; END $$",
        "CREATE TRIGGER mine BEFORE INSERT ON mine FOR EACH ROW EXECUTE FUNCTION pg_temp.deed()",
        "INSERT INTO mine VALUES (1)",
    )


@pytest.mark.parametrize(
    "deed",
    [
        "UPDATE billing_account SET balance = balance + 1000000 WHERE customer_id = {alice}",
        "UPDATE billing_hold SET refunded = charged",
        "UPDATE billing_walletline SET balance = balance + 1000000",
        "DELETE FROM billing_walletline",
        "INSERT INTO billing_walletline SELECT 0, wallet_id, number + 9, code, at, 1000000, 0, 0, 0, 0"
        " FROM billing_walletline",
        "INSERT INTO billing_hold (reference, wallet_id, charged) VALUES ('order:0', {wallet}, 1000000)",
    ],
)
def test_a_trigger_of_ones_own_changes_neither_balances_nor_holds_nor_lines(shop: Shop, deed: str) -> None:
    before = rows_of_money()
    with pytest.raises(Error) as refusal:
        from_a_trigger_of_ones_own(deed.format(alice=shop.alice.pk, wallet=ledger.wallet_of(shop.alice).pk))
    assert isinstance(refusal.value.__cause__, psycopg.errors.InsufficientPrivilege)
    assert rows_of_money() == before


def rows_of_money() -> list[list[dict[str, Any]]]:
    return [list(model.objects.order_by("pk").values()) for model in (Account, Hold, WalletLine)]


def test_what_posts_transfers_is_no_trigger_of_another_table(shop: Shop) -> None:
    """Nor where the right to call it came back, as it does with a dump that is restored without its rights."""
    alice, owner = ledger.wallet_of(shop.alice).pk, ledger.own_account_id(AccountKind.OWNER)
    deed = (
        "CREATE TEMP TABLE mine AS TABLE billing_transfer WITH NO DATA",
        "CREATE TRIGGER mine AFTER INSERT ON mine FOR EACH ROW EXECUTE FUNCTION billing_transfer_post()",
        "INSERT INTO mine (key, code, source_id, target_id, amount)"
        f" VALUES ('mine', 'credit', {owner}, {alice}, 1000000)",
    )
    with pytest.raises(Error, match="permission denied for function billing_transfer_post"):
        run(*deed)
    with as_role(OWNER_ROLE):
        run(f"GRANT EXECUTE ON FUNCTION billing_transfer_post() TO {SHOP_ROLE}")
    with pytest.raises(Error, match="no table of transfers"):
        run(*deed)
    assert balance(shop.alice) == money("99")


SEARCH_PATHS = ['"$user", public', "pg_temp, public", "pg_temp, pg_catalog, public"]


@pytest.mark.parametrize("path", SEARCH_PATHS)
def test_a_temporary_table_does_not_stand_in_for_the_accounts(shop: Shop, path: str) -> None:
    """A transfer would have been written, out of one wallet into another, that changes no real balance."""
    alice, bob = ledger.wallet_of(shop.alice).pk, ledger.wallet_of(shop.bob).pk
    with pytest.raises(Error, match="does not go from wallet to wallet"):
        run(
            f"SET LOCAL search_path = {path}",
            "CREATE TEMP TABLE billing_account AS TABLE public.billing_account",
            f"UPDATE pg_temp.billing_account SET kind = 'owner' WHERE id = {alice}",
            "INSERT INTO public.billing_transfer (key, code, source_id, target_id, amount, reference, memo, actor)"
            f" VALUES ('theft', 'credit', {alice}, {bob}, 50, '', '', '')",
        )
    assert not Transfer.objects.filter(key="theft").exists()


@pytest.mark.parametrize("path", SEARCH_PATHS)
def test_a_temporary_table_does_not_stand_in_for_the_orders(shop: Shop, path: str) -> None:
    """A refunded order would have got an attempt to send it."""
    order = shop.order
    type(order).objects.filter(pk=order.pk).update(forward_state=Forward.REFUNDED)
    run(
        f"SET LOCAL search_path = {path}",
        "CREATE TEMP TABLE orders_order AS TABLE public.orders_order",
        f"UPDATE pg_temp.orders_order SET forward_state = 'queued' WHERE id = {order.pk}",
    )
    with pytest.raises(Error, match="only a queued order can be sent"), transaction.atomic():
        cast.attempt(order, outcome=Outcome.CLAIMED)
    assert not ForwardAttempt.objects.exists()


def test_money_moves_in_a_session_that_searches_nowhere(shop: Shop) -> None:
    source, target = ledger.own_account_id(AccountKind.OWNER), ledger.wallet_of(shop.alice).pk
    run(
        "SET LOCAL search_path = ''",
        "INSERT INTO public.billing_transfer (key, code, source_id, target_id, amount, reference, memo, actor)"
        f" VALUES ('gift', 'credit', {source}, {target}, 1, '', '', '')",
        "SET LOCAL search_path = DEFAULT",
    )
    assert balance(shop.alice) == money("100")


def test_every_function_of_the_shop_has_a_search_path_that_ends_with_temporary_tables() -> None:
    """Also one that a later migration writes anew, which takes its settings away."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT proname FROM pg_proc p WHERE pronamespace = 'public'::regnamespace"
            " AND NOT EXISTS (SELECT 1 FROM unnest(proconfig) c WHERE c ~ '^search_path=.*public, pg_temp$')"
        )
        assert cursor.fetchall() == []
