"""Rows of money that the database must not take."""

from django.db import connection
from django.db.models import F

from accounts.models import User
from billing import ledger
from billing.ledger import Posting
from billing.models import Account, AccountKind, Code, Hold, Transfer, WalletLine
from tests.billing.bad_rows import Shop, post, refuses, wallet
from tests.billing.cast import ONE, money, own


@refuses("wallet_never_negative")
def spend_more_than_there_is(shop: Shop) -> None:
    post(Code.DEBIT, wallet(shop.alice), own(AccountKind.OWNER), "99.00001")


@refuses("wallet_never_negative")
def overflow_a_wallet(shop: Shop) -> None:
    post(Code.CREDIT, own(AccountKind.OWNER), wallet(shop.alice), "999999999999")


@refuses("account_wallet_has_customer")
def a_wallet_of_nobody(shop: Shop) -> None:
    Account.objects.create(kind=AccountKind.WALLET, name="x")


@refuses("account_wallet_has_customer")
def an_own_account_of_a_customer(shop: Shop) -> None:
    Account.objects.create(kind=AccountKind.OWNER, name="x", customer=User.objects.create_user("c@example.com"))


@refuses("billing_account_customer_id_key")
def a_second_wallet(shop: Shop) -> None:
    Account.objects.create(kind=AccountKind.WALLET, name="x", customer=shop.alice)


@refuses("account_own_name_unique")
def a_second_revenue(shop: Shop) -> None:
    own(AccountKind.REVENUE)
    Account.objects.create(kind=AccountKind.REVENUE, name="revenue")


@refuses("balance_by_transfer_only")
def write_a_balance(shop: Shop) -> None:
    Account.objects.filter(customer=shop.alice).update(balance=F("balance") + 1)


@refuses("balance_by_transfer_only")
def begin_with_a_balance(shop: Shop) -> None:
    Account.objects.create(
        kind=AccountKind.WALLET, name="x", customer=User.objects.create_user("c@example.com"), balance=ONE
    )


@refuses("account_is_whose_it_is")
def hand_a_wallet_over(shop: Shop) -> None:
    Account.objects.filter(customer=shop.alice).update(customer=User.objects.create_user("c@example.com"))


@refuses("account_is_whose_it_is")
def turn_revenue_into_owner(shop: Shop) -> None:
    Account.objects.filter(pk=own(AccountKind.REVENUE)).update(kind=AccountKind.LOSS)


@refuses("billing_transfer_key_key")
def a_second_transfer_of_one_key(shop: Shop) -> None:
    post(Code.CREDIT, own(AccountKind.OWNER), wallet(shop.alice), key="credit:start:alice@example.com")


@refuses("transfer_amount_positive")
def a_transfer_of_nothing(shop: Shop) -> None:
    post(Code.CREDIT, own(AccountKind.OWNER), wallet(shop.alice), "0")


@refuses("transfer_amount_positive")
def a_transfer_of_less_than_nothing(shop: Shop) -> None:
    post(Code.CREDIT, own(AccountKind.OWNER), wallet(shop.alice), "-1")


@refuses("transfer_amount_positive")
def a_transfer_of_not_a_number(shop: Shop) -> None:
    insert_transfer("'NaN'", own(AccountKind.OWNER), wallet(shop.alice))


@refuses("transfer_two_accounts")
def a_transfer_to_itself(shop: Shop) -> None:
    post(Code.CREDIT, wallet(shop.alice), wallet(shop.alice))


@refuses("transfer_code_fits_accounts")
def revenue_out_of_a_wallet(shop: Shop) -> None:
    post(Code.SETTLE, wallet(shop.alice), own(AccountKind.REVENUE))


@refuses("transfer_code_fits_accounts")
def from_wallet_to_wallet(shop: Shop) -> None:
    post(Code.CREDIT, wallet(shop.alice), wallet(shop.bob))


@refuses("transfer_code_fits_accounts")
def to_a_wallet_that_is_not_there(shop: Shop) -> None:
    post(Code.CREDIT, own(AccountKind.OWNER), 0)


@refuses("transfer_code_fits_accounts")
def from_a_wallet_that_is_not_there(shop: Shop) -> None:
    post(Code.DEBIT, 0, own(AccountKind.OWNER))


@refuses("account_is_kept")
def delete_a_wallet_that_moved_money(shop: Shop) -> None:
    Account.objects.filter(customer=shop.alice).delete()


@refuses("account_is_kept")
def delete_an_account_of_the_shop(shop: Shop) -> None:
    Account.objects.filter(pk=own(AccountKind.LOSS)).delete()


@refuses("transfer_code_fits_accounts")
def a_code_of_no_meaning(shop: Shop) -> None:
    post("gift", own(AccountKind.OWNER), wallet(shop.alice))  # type: ignore[arg-type]


@refuses("transfer_names_a_hold")
def settle_what_was_never_held(shop: Shop) -> None:
    post(Code.SETTLE, own(AccountKind.HELD), own(AccountKind.REVENUE), reference="order:0")


@refuses("transfer_names_a_hold")
def release_to_another_wallet(shop: Shop) -> None:
    post(Code.REFUND, own(AccountKind.HELD), wallet(shop.bob), reference=shop.order.reference)


@refuses("transfer_is_final")
def raise_a_transfer(shop: Shop) -> None:
    Transfer.objects.update(amount=F("amount") + 1)


@refuses("transfer_is_final")
def reword_a_transfer(shop: Shop) -> None:
    Transfer.objects.update(memo="another reason")


@refuses("transfer_is_final")
def delete_a_transfer(shop: Shop) -> None:
    with connection.cursor() as cursor:  # Django would look for its line first.
        cursor.execute("DELETE FROM billing_transfer")


@refuses("hold_never_overdrawn")
def pay_back_more_than_was_held(shop: Shop) -> None:
    post(Code.REFUND, own(AccountKind.HELD), wallet(shop.alice), "1.00001", shop.order.reference)


@refuses("hold_never_overdrawn")
def earn_and_return_more_than_was_held(shop: Shop) -> None:
    ref = shop.order.reference
    ledger.post([Posting("s", Code.SETTLE, own(AccountKind.HELD), own(AccountKind.REVENUE), money("0.6"), ref)])
    post(Code.REFUND, own(AccountKind.HELD), wallet(shop.alice), "0.50000", ref)


@refuses("hold_never_overdrawn")
def take_back_what_was_not_earned(shop: Shop) -> None:
    post(Code.LATE_REFUND, own(AccountKind.REVENUE), wallet(shop.alice), "0.1", shop.order.reference)


@refuses("hold_by_transfer_only")
def write_a_hold(shop: Shop) -> None:
    Hold.objects.update(refunded=F("refunded") + 1)


@refuses("hold_by_transfer_only")
def make_a_hold(shop: Shop) -> None:
    Hold.objects.create(reference="order:0", wallet_id=wallet(shop.alice), charged=ONE)


@refuses("hold_by_transfer_only")
def delete_a_hold(shop: Shop) -> None:
    Hold.objects.all().delete()


@refuses("balance_by_transfer_only")
def count_a_line_that_is_not_there(shop: Shop) -> None:
    Account.objects.filter(customer=shop.alice).update(lines=F("lines") + 1)


@refuses("balance_by_transfer_only")
def begin_with_a_line(shop: Shop) -> None:
    Account.objects.create(
        kind=AccountKind.WALLET, name="x", customer=User.objects.create_user("c@example.com"), lines=1
    )


@refuses("wallet_line_is_final")
def raise_a_line(shop: Shop) -> None:
    WalletLine.objects.update(balance=F("balance") + 1)


@refuses("wallet_line_is_final")
def delete_a_line(shop: Shop) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM billing_walletline")


@refuses("wallet_line_is_final")
def write_a_line(shop: Shop) -> None:
    insert_line(shop, "99")


@refuses("wallet_line_number_once")
def two_lines_of_one_number(shop: Shop) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE billing_walletline DISABLE TRIGGER billing_walletline_by_transfer_only")
    insert_line(shop, "1")


@refuses("posted_by_transfer_only")
def post_from_a_table_of_ones_own(shop: Shop) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE mine AS TABLE billing_transfer WITH NO DATA")
        cursor.execute("CREATE TRIGGER mine AFTER INSERT ON mine FOR EACH ROW EXECUTE FUNCTION billing_transfer_post()")
        cursor.execute(
            "INSERT INTO mine (key, code, source_id, target_id, amount) VALUES ('mine', 'credit', %s, %s, 1000000)",
            [own(AccountKind.OWNER), wallet(shop.alice)],
        )


def insert_transfer(amount: str, source: int, target: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO billing_transfer (key, code, source_id, target_id, amount, reference, memo, actor)"
            f" VALUES ('bad', 'credit', %s, %s, {amount}, '', '', '')",
            [source, target],
        )


def insert_line(shop: Shop, number: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO billing_walletline"
            " (transfer_id, wallet_id, number, code, at, balance, added, spent, refunded, taken)"
            f" VALUES (0, %s, {number}, 'credit', now(), 1, 1, 0, 0, 0)",
            [wallet(shop.alice)],
        )
