"""A form that changed something answers with a redirect, so that a reload of the page does not send it again.

Every page is opened and each of its forms is sent, as the page filled it in and with what a person would type, and so
is each form of the page that comes back. A page that is an answer to a form must not have changed a row.
"""

import re
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import Resolver404, get_resolver, resolve, reverse

from accounts import views
from accounts.models import User
from orders.models import Order
from tests.ops.test_hostile_input import RolledBack, paths, patterns
from tests.pages.cast import PASSWORD, Orders, customer, mass_order_of, refill_of_all, stock
from tests.sign_in import sign_in_customer, sign_in_staff

pytestmark = pytest.mark.django_db
#: Rows that are no work of a form: who is signed in, how often something was tried, and the log of the admin.
_ASIDE = re.compile(r"django_session|usersessions_|core_cache|core_counter|django_admin_log")
#: What a person types into a field that the page left empty.
TYPED = {
    "amount": "1.5", "reason": "as agreed", "memo": "as agreed", "link": "https://instagram.com/atelier.nord",
    "quantity": "1000", "email": "new@example.com", "password": PASSWORD, "oldpassword": PASSWORD,
    "password1": "another horse battery", "password2": "another horse battery", "name": "bot",
    "first_password": PASSWORD, "percent": "10", "missing": "1", "markup_percent": "30", "currency": "USD",
    "headline": "Hello", "text": "for a friend",
}  # fmt: skip
#: Forms whose success is known to be met: the walk is no good if it does not get there.
MET = {
    "api_keys", "change_api_key", "revoke_api_key", "orders:new", "orders:refill", "orders:cancel",
    "orders:job_stop", "orders:mass", "orders:note", "orders:bulk_start",
    "admin:billing_wallet_credit", "admin:billing_wallet_debit", "admin:accounts_user_add",
    "admin:accounts_user_freeze", "admin:accounts_user_note", "admin:catalog_category_add",
    "admin:catalog_markuprule_add",
    "admin:core_shopsettings_change", "admin:orders_provideraccount_enter",
    "admin:catalog_provider_change", "account_change_password",
}  # fmt: skip


@dataclass
class Form:
    """One form as a browser would send it; ``buttons`` are the name and value that each of its buttons adds."""

    action: str
    method: str
    values: dict[str, list[str]] = field(default_factory=dict)
    empty: set[str] = field(default_factory=set)
    buttons: list[tuple[str, str]] = field(default_factory=list)
    name: str = ""


class Forms(HTMLParser):
    """The forms of a page that are sent with POST."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._form: Form | None = None
        self._by_id: dict[str, Form] = {}
        self._select, self._options, self._textarea = "", list[tuple[str, bool]](), ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get").lower())
            self._by_id[given.get("id", "")] = self._form
            self.found.append(self._form)
        form = self._by_id.get(given["form"]) if "form" in given else self._form
        if form is None:
            return
        name, kind = given.get("name", ""), given.get("type", "text")
        if tag == "button" or (tag == "input" and kind == "submit"):
            form.buttons.append((name, given.get("value", "")))
        elif tag == "input" and name and kind != "file" and "disabled" not in given:
            if kind not in ("checkbox", "radio") or "checked" in given:
                form.values.setdefault(name, []).append(given.get("value", "on" if kind == "checkbox" else ""))
                if "value" not in given and kind not in ("checkbox", "radio"):
                    form.empty.add(name)
            elif kind == "radio":
                form.values.setdefault(name, [given.get("value", "")])
        elif tag == "select":
            self._select, self._options = name, []
        elif tag == "option" and self._select:
            self._options.append((given.get("value", ""), "selected" in given))
        elif tag == "textarea" and name:
            form.values[name] = [""]
            form.empty.add(name)

    def handle_endtag(self, tag: str) -> None:
        if tag == "select" and self._form is not None and self._select:
            chosen = [value for value, is_chosen in self._options if is_chosen]
            usable = [value for value, _chosen in self._options if value]
            self._form.values[self._select] = chosen or usable[:1]
            self._select = ""
        elif tag == "form":
            self._form = None


def forms_of(page: str) -> list[Form]:
    parser = Forms()
    parser.feed(page)
    return [form for form in parser.found if form.method == "post"]


def changed_rows() -> dict[str, int]:
    """How many rows of each table the transaction has written, but for those that are aside."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables")
        return {table: count for table, count in cursor.fetchall() if not _ASIDE.match(table)}


def contents(table: str) -> str:
    """A digest of all rows of a table."""
    with connection.cursor() as cursor:
        name = connection.ops.quote_name(table)
        cursor.execute(f"SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {name} t")  # noqa: S608 - from Postgres
        return str(cursor.fetchone()[0])


@dataclass
class Walk:
    visitor: Client
    problems: list[str] = field(default_factory=list)
    met: set[str] = field(default_factory=set)
    sent: set[tuple[int, str, str, str]] = field(default_factory=set)

    def open(self, path: str) -> None:
        """Open a page and send its forms."""
        answer = self.visitor.get(path)
        if answer.status_code == 200 and "html" in answer["Content-Type"]:
            self.send(path, answer.content.decode())

    def send(self, path: str, page: str, depth: int = 2) -> None:
        for form in forms_of(page):
            for button in form.buttons or [("", "")]:
                target = urlsplit(urljoin(path, form.action or path)).path
                # Once for each depth: a form that a page sent back is another one than the page's own.
                known = (depth, target, str(button), str(sorted(form.values)))
                if target.endswith("/logout/") or known in self.sent:
                    continue
                self.sent.add(known)
                self._press(target, form, button, depth)

    def _press(self, target: str, form: Form, button: tuple[str, str], depth: int) -> None:
        values = {n: [TYPED.get(n, "")] if n in form.empty and n in TYPED else v for n, v in form.values.items()}
        if button[0]:
            values[button[0]] = [button[1]]
        cookies, after = deepcopy(self.visitor.cookies), dict[str, str]()
        with suppress(RolledBack), transaction.atomic():
            before = changed_rows()
            answer = self.visitor.post(target, values)
            body = answer.getvalue()
            written = [table for table, count in changed_rows().items() if count != before.get(table, 0)]
            if answer.status_code == 200:
                after = {table: contents(table) for table in written}
            if answer.status_code in (302, 303) and written:
                with suppress(Resolver404):
                    self.met.add(resolve(target).view_name)
            if answer.status_code == 200 and depth > 1 and "html" in answer["Content-Type"]:
                self.send(target, body.decode(), depth - 1)
            raise RolledBack
        # What a preview wrote and took back itself was counted as well, but is not there.
        if kept := [table for table, digest in after.items() if contents(table) != digest]:
            self.problems.append(f"{target} {button}: a page after writing {kept}")
        self.visitor.cookies = cookies


def test_forms_are_found_as_a_browser_would_send_them() -> None:
    page = """<form method="post" action="/x/"><input name="a" value="1"><input type="checkbox" name="b" checked>
        <input type="checkbox" name="c"><select name="d"><option value=""><option value="2"></select><textarea name="e">
        </textarea><button name="go" value="y">Go</button></form>
        <button form="n">x</button><form><input name="q"></form>"""
    [form] = forms_of(page)
    assert form.values == {"a": ["1"], "b": ["on"], "d": ["2"], "e": [""]}
    assert (form.empty, form.buttons) == ({"e"}, [("go", "y")])


def test_a_page_after_a_change_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    walk = Walk(sign_in_customer(customer()))
    monkeypatch.setattr(views, "HttpResponseRedirect", lambda _path: HttpResponse("Your key is made."))
    walk.open("/account/api-keys/")
    [problem] = walk.problems
    assert problem.startswith("/account/api-keys/ ")
    assert "accounts_apikey" in problem


@pytest.mark.walk
def test_every_form_that_changes_something_redirects(settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = False
    services, alice = stock(), customer()
    orders = Orders(alice, services[0])
    orders.one_of_each()
    refill_of_all(alice)
    mass_order_of(alice, services[0])
    alice.api_keys.create(name="old", prefix="old", digest="d", scopes=["read"])
    walk = Walk(sign_in_customer(alice))
    new = f"/order/?service={services[0].pk}&link=https://instagram.com/atelier.nord&quantity=1000"
    pages = [
        new,
        "/orders/bulk/?do=refill&all=1",
        *(reverse("orders:order", args=[order.pk]) for order in Order.objects.all()),
    ]
    for name, parts in patterns(get_resolver()):
        if not name.startswith("admin:"):
            pages.append(paths(name, parts)[0])
    for path in pages:
        walk.open(path)
    assert walk.visitor.get("/account/").status_code == 200, "no page signed the visitor out"
    staff = Walk(sign_in_staff(User.objects.create_superuser("owner@example.com", PASSWORD)), walk.problems, walk.met)
    for name, parts in patterns(get_resolver()):
        if name.startswith("admin:") and not name.endswith("_history"):
            staff.open(paths(name, parts)[0])
    for page in ("credit", "debit"):
        staff.open(reverse(f"admin:billing_wallet_{page}", args=[alice.wallet.pk]))
    assert walk.problems == []
    assert MET - walk.met == set()
