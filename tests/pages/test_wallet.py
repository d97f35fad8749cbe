"""The wallet: exact, adding up, with every movement and its reason, on the page and in a file."""

import csv
import io
import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.test import Client

from accounts.models import User
from billing import ledger
from billing.csvtext import harmless
from core.models import ShopSettings
from tests.pages.cast import Orders, customer


def page(client: Client, query: str = "") -> str:
    answer = client.get(f"/wallet/{query}")
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def rows(client: Client) -> list[dict[str, str]]:
    answer = client.get("/wallet/statement.csv")
    assert answer["Content-Type"].startswith("text/csv")
    assert "attachment" in answer["Content-Disposition"]
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))


def test_an_empty_wallet_says_what_will_be_here(client: Client, db: None) -> None:
    client.force_login(customer("new@example.com", "0"))
    html = page(client)
    assert "$0.00" in html
    assert "No movements yet" in html
    assert "Nothing is reserved" in html


def test_the_month_is_an_equation_that_holds(signed_in: Client, orders: Orders) -> None:
    orders.one_of_each()
    equation = signed_in.get("/wallet/").context["equation"]
    assert equation.opening + equation.added - equation.orders + equation.refunded - equation.taken == equation.balance
    assert equation.added == 100
    assert (
        equation.refunded
        == orders.who.wallet.__class__.objects.get(customer=orders.who).balance - 100 + equation.orders
    )


def test_every_movement_stands_in_the_statement_with_the_balance_after_it(signed_in: Client, orders: Orders) -> None:
    order = orders.partial(remains=157)
    entries = signed_in.get("/wallet/").context["statement"].entries
    assert [(e.code, e.amount, e.balance) for e in entries] == [
        ("release", Decimal("0.29186"), Decimal("98.43286")),
        ("hold", Decimal("-1.859"), Decimal("98.141")),
        ("credit", Decimal(100), Decimal(100)),
    ]
    html = page(signed_in)
    assert f"Refund of order #{order.pk}" in html
    assert '+$0.29<span class="money-sub">186</span>' in html
    assert "−$1.85" in html
    assert "Instagram Followers · 30-day refill" in html
    assert "Bank transfer" in html


def test_a_part_of_the_statement_keeps_the_balances_of_the_whole(signed_in: Client, orders: Orders) -> None:
    orders.partial(remains=157)
    entries = signed_in.get("/wallet/?kind=returned").context["statement"].entries
    assert [(e.code, e.balance) for e in entries] == [("release", Decimal("98.43286"))]
    assert [e.code for e in signed_in.get("/wallet/?kind=topups").context["statement"].entries] == ["credit"]
    assert len(signed_in.get("/wallet/?kind=;drop").context["statement"].entries) == 3


def test_the_reserve_is_listed_order_by_order(signed_in: Client, orders: Orders) -> None:
    first, _done, second = orders.queued(), orders.completed(), orders.running(remains=1)
    html = page(signed_in)
    reserved = html[html.index('id="h-res"') :]
    assert re.findall(r"#(\d+)<", reserved) == [str(second.pk), str(first.pk)]
    assert "2 open orders" in reserved
    assert '$3.71<span class="money-sub">8</span>' in reserved


def test_the_file_holds_the_same_movements_oldest_first(signed_in: Client, orders: Orders) -> None:
    order = orders.partial(remains=157)
    assert [(r["what"], r["reference"], r["amount"], r["balance"]) for r in rows(signed_in)] == [
        ("credit", "credit:start:alice@example.com", "100.00000", "100.00000"),
        ("hold", order.reference, "-1.85900", "98.14100"),
        ("release", order.reference, "0.29186", "98.43286"),
    ]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1"])
def test_a_cell_that_a_spreadsheet_would_run_is_text(cell: str) -> None:
    assert harmless(cell) in (f"'{cell}", f"'{cell[0]}'{cell[1:]}")


@pytest.mark.parametrize("sign", ["=", "+", "-", "@"])
@pytest.mark.parametrize("between", [";", "\t", "\n", "; ", ';"'])
def test_a_spreadsheet_that_parts_cells_at_another_sign_runs_nothing(sign: str, between: str) -> None:
    cell = f"https://a.example/{between}{sign}1+1;x"
    written = io.StringIO()
    csv.writer(written).writerow(["first", harmless(cell)])
    assert next(csv.reader(io.StringIO(written.getvalue())))[1] == f"https://a.example/{between}'{sign}1+1;x"
    parted = [part for line in written.getvalue().splitlines() for part in re.split("[;\t]", line)]
    assert not [part for part in parted if part.lstrip(' "').startswith(sign)]


def test_plain_text_stays_as_it_is() -> None:
    assert harmless("Bank transfer 4417") == "Bank transfer 4417"
    assert harmless("") == ""
    assert harmless("https://a.example/?a=1;b=2-3") == "https://a.example/?a=1;b=2-3"


def test_a_reason_in_the_file_cannot_run(signed_in: Client, alice: User) -> None:
    ledger.credit(customer=alice, amount=Decimal(1), reason='=HYPERLINK("http://x")', reference="evil", actor="owner")
    assert rows(signed_in)[-1]["reason"] == '\'=HYPERLINK("http://x")'


def test_another_month_can_be_chosen_and_nonsense_is_this_month(signed_in: Client, alice: User) -> None:
    now = datetime.now(UTC)
    assert str(signed_in.get("/wallet/?month=2020-02").context["month"]) == "2020-02"
    assert "No movements yet" in page(signed_in, "?month=2020-02")
    for query in ("?month=2020-13", "?month=x", "?page=x", "?page=99"):
        assert str(signed_in.get(f"/wallet/{query}").context["month"]) == f"{now:%Y-%m}"


def test_nobody_sees_somebody_elses_money(client: Client, orders: Orders) -> None:
    order = orders.queued()
    client.force_login(customer("charlie@example.com", "0"))
    assert f"#{order.pk}" not in page(client)
    assert rows(client) == []


def test_adding_funds_is_honest_about_how(signed_in: Client) -> None:
    ShopSettings.objects.update(contact_email="")
    html = signed_in.get("/wallet/add/").content.decode()
    assert "The owner adds the money to your wallet by hand." in html
    assert "mailto:" not in html
    ShopSettings.objects.update(contact_email="owner@shop.example")
    html = signed_in.get("/wallet/add/").content.decode()
    assert "mailto:owner@shop.example" in html
    assert "alice@example.com" in html


def test_all_of_it_is_behind_the_sign_in(client: Client, db: None) -> None:
    for path in ("/wallet/", "/wallet/statement.csv", "/wallet/add/", "/orders/", "/orders/1/", "/account/"):
        answer = client.get(path)
        assert (answer.status_code, answer["Location"]) == (302, f"/accounts/login/?next={path}")
