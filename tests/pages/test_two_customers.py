"""Two customers: no page, part of a page or form gives one anything of the other, not even that it exists."""

import logging
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from difflib import unified_diff
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import transaction
from django.test import Client
from django.urls import get_resolver, reverse
from django.utils.http import int_to_base36

from catalog.models import Service
from orders.models import Order
from orders.pages import browse
from tests.ops.test_hostile_input import FORM, noted_names, patterns
from tests.ops.test_redirect_after_post import changed_rows
from tests.pages.cast import Orders, customer
from tests.pages.two_customers import (
    FIRST,
    MARKERS,
    NOBODYS,
    NONCE,
    SECOND,
    UNSEEN,
    Zuleika,
    masked,
    number_from,
    rows_of,
    text_of,
    zuleika,
)
from tests.sign_in import sign_in_customer

pytestmark = pytest.mark.django_db

#: Addresses that name a row of a customer: what somebody else is answered, as for a number of nobody.
ROWS = {
    "orders:order": 404, "orders:refill": 404, "orders:cancel": 404, "orders:job": 404,
    "orders:note": 404, "orders:receipt": 404,
    "orders:job_stop": 404, "orders:job_results": 404, "orders:mass_placed": 404, "orders:mass_csv": 404,
    "billing:topup": 404, "billing:sent": 404, "billing:demo_payment": 404, "billing:document": 404,
    "billing:document_pdf": 404, "fewer_mails": 404,
    "api_key": 404, "change_api_key": 302, "revoke_api_key": 302,
    "support:ticket": 404, "support:close": 404,
    "mfa_remove_webauthn": 404, "mfa_edit_webauthn": 404, "account_reset_password_from_key": 200,
}  # fmt: skip
#: Addresses that are the same for everybody, or about the person who asks. A new page goes here or above.
NO_ROWS = frozenset({
    "healthz", "readyz", "robots", "favicon", "sitemap", "sitemap_file", "account_login", "account_logout",
    "account_inactive", "account_language", "stop_viewing", "account_signup", "account_reauthenticate", "account_email",
    "account_email_verification_sent", "account_change_password", "account_set_password",
    "account_reset_password", "account_confirm_login_code", "account_reset_password_from_key_done",
    "account_reset_password_done", "mfa_index", "mfa_authenticate", "mfa_reauthenticate", "mfa_activate_totp",
    "mfa_deactivate_totp", "mfa_view_recovery_codes", "mfa_generate_recovery_codes",
    "mfa_download_recovery_codes", "mfa_list_webauthn", "mfa_add_webauthn", "mfa_reauthenticate_webauthn",
    "mfa_login_webauthn", "usersessions_list", "account", "notifications", "second_factor_needed", "accept_terms",
    "api_keys", "keys_after_password", "pages:page", "pages:version", "catalog:prices", "catalog:service",
    "catalog:category", "catalog:currency", "catalog:updates", "catalog:updates_rss", "catalog:updates_atom",
    "orders:new", "orders:quote", "orders:services", "orders:list", "orders:rows", "orders:csv", "orders:mass",
    "orders:bulk", "orders:bulk_start", "orders:refills", "orders:jobs", "orders:drip_feeds", "orders:subscriptions",
    "orders:mass_left", "support:tickets", "support:new", "billing:wallet",
    "billing:csv", "billing:add_funds", "billing:offers", "billing:redeem", "billing:topups", "webhook",
    "billing:documents", "language", "orders:status", "api:docs", "api:endpoint", "api:openapi",
})  # fmt: skip
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
#: What a field is sent of alice, and the same of nobody; a field that is not here gets the number.
NUMBERS = [(str(FIRST), str(NOBODYS))]
LINKS = [("zanzibar.qx", "nobodys.qx"), ("https://instagram.com/zanzibar.qx", "https://instagram.com/nobodys.qx")]
ADDRESSES = [(MARKERS["e-mail"], "anybody@example.com")]
PAIRS = {
    "q": NUMBERS + LINKS, "link": LINKS, "email": ADDRESSES, "login": ADDRESSES, "nonce": [(NONCE, "nonce-of-anybody")],
}  # fmt: skip


@dataclass
class Walk:
    """Sends what alice has and what nobody has, as somebody else, and keeps where the answers are not the same."""

    who: str
    client: Client
    alice: Zuleika
    good: dict[str, str]
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._cookies = deepcopy(self.client.cookies)
        self._rows = rows_of(self.alice.user)

    def ask(self, method: str, path: str, fields: dict[str, str]) -> str:
        """Return the answer to one request, and take back what it wrote."""
        self.client.cookies = deepcopy(self._cookies)
        text, is_safe = urlencode(fields), method in ("GET", "HEAD")
        with transaction.atomic():
            more: dict[str, Any] = {"QUERY_STRING": text} if is_safe else {"data": text, "content_type": FORM}
            before = changed_rows()
            answer = text_of(self.client.generic(method, path, **more))
            written = {table for table, count in changed_rows().items() if count != before.get(table, 0)}
            if written & self._rows.keys() and rows_of(self.alice.user) != self._rows:
                self.problems.append(f"{self.who}: {method} {path} {fields} changed something of alice's")
            transaction.set_rollback(True)
        for what, marker in {**MARKERS, **UNSEEN}.items():
            if marker in answer and marker not in f"{path} {list(fields.values())}":
                self.problems.append(f"{self.who}: {method} {path} {fields} shows the {what}")
        return answer

    def compare(self, method: str, paths: tuple[str, str], name: str = "", pair: tuple[str, str] = ("", "")) -> int:
        """Ask for what is alice's and for what is nobody's; return the status of the answer."""
        given = dict.fromkeys(zip(paths, pair, strict=True))  # once where both are the same
        answers = [self.ask(method, path, {**self.good, **({name: value} if name else {})}) for path, value in given]
        hers, none = answers[0], answers[-1]
        if masked(hers) != masked(none):
            lines = unified_diff(masked(none).splitlines(), masked(hers).splitlines(), lineterm="", n=0)
            self.problems.append(f"{self.who}: {method} {paths[0]} {name}={pair[0]}\n" + "\n".join(lines)[:600])
        return int(hers[:3])


def names_asked_for(walk: Walk, method: str, path: str) -> list[str]:
    with noted_names() as names:
        walk.ask(method, path, walk.good)
    return sorted(names)


def paths_of(name: str, parts: list[str], service: Service) -> tuple[str, str]:
    """The address with what is alice's, and with what is nobody's."""
    same = {"section": "services", "key": "set-password", "slug": "terms", "words": "x", "code": "en", "token": "0"}
    if name.startswith("catalog:"):
        same["pk"] = str(service.pk if name == "catalog:service" else service.category_id)
    hers, none = (
        {**dict.fromkeys(parts, n), "uidb36": int_to_base36(n), "remote_id": f"demo-{who}", **same}
        for n, who in ((FIRST, "zuleika"), (NOBODYS, "anybody"))
    )
    return (
        reverse(name, kwargs={part: hers[part] for part in parts}),
        reverse(name, kwargs={part: none[part] for part in parts}),
    )


@pytest.fixture(autouse=True)
def quiet(settings: Any) -> Iterator[None]:
    # The cast adds funds through the demo's gateway.
    settings.ACCOUNT_RATE_LIMITS, settings.DEMO = False, True
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def alice(services: list[Service]) -> Zuleika:
    return zuleika(services)


@pytest.fixture
def bob(alice: Zuleika, services: list[Service]) -> Client:
    """Another customer, with rows of his own."""
    number_from(SECOND)
    user = customer("bob@example.com", "55.5")
    orders = Orders(user, services[0])
    for order in (orders.queued(), orders.completed()):
        assert order.pk >= SECOND
    return sign_in_customer(user)


@pytest.mark.walk
@pytest.mark.parametrize("who", ["a visitor", "bob"])
def test_nobody_gets_anything_of_another_customer(
    who: str, alice: Zuleika, bob: Client, services: list[Service]
) -> None:
    assert {table for table, rows in rows_of(alice.user).items() if rows} >= {
        "orders_order", "orders_refill", "orders_orderevent", "orders_orderdraft", "accounts_apikey", "billing_account",
        "orders_childorder", "orders_job", "orders_jobitem", "orders_massorder", "orders_massdraft", "orders_ordernote",
        "billing_transfer", "mfa_authenticator", "usersessions_usersession", "support_ticket",
    }  # fmt: skip
    good = {"service": str(services[0].pk), "link": "https://instagram.com/atelier.nord", "quantity": "1000"}
    kinds = {(order.is_subscription, order.runs is not None) for order in Order.objects.filter(customer=alice.user)}
    assert kinds == {(False, False), (False, True), (True, False)}
    walk = Walk(who, bob if who == "bob" else Client(), alice, good)
    for name, parts in patterns(get_resolver()):
        if name.startswith("admin:"):
            continue
        paths = paths_of(name, parts, services[0])
        statuses = {method: walk.compare(method, paths) for method in METHODS}
        for method in ("GET", "POST"):
            for asked in names_asked_for(walk, method, paths[0]) if statuses[method] != 405 else ():
                for pair in PAIRS.get(asked, NUMBERS):
                    walk.compare(method, paths, asked, pair)
        if who == "bob" and name in ROWS:
            assert {*statuses.values()} - {405} == {ROWS[name]}, (name, statuses)
    assert not walk.problems, "\n".join(walk.problems[:20])


def test_every_page_has_its_line_in_the_walk() -> None:
    names = {name for name, _parts in patterns(get_resolver()) if not name.startswith("admin:")}
    assert names == ROWS.keys() | NO_ROWS, "say in ROWS or NO_ROWS what a customer gets by the numbers of another"


def test_what_the_walk_looks_for_is_on_alices_own_pages(alice: Zuleika, services: list[Service]) -> None:
    seen, no_credential = "", ("mfa_add_webauthn", "mfa_reauthenticate_webauthn")
    for name, parts in patterns(get_resolver()):
        if not name.startswith("admin:") and name not in no_credential:  # her passkey is a name alone
            seen += text_of(alice.client.get(paths_of(name, parts, services[0])[0]))
    seen += text_of(alice.client.get(f"/order/?service={services[1].pk}"))
    assert [what for what, marker in MARKERS.items() if marker not in seen] == []


def test_the_walk_sees_what_leaks_and_what_changes(
    alice: Zuleika, bob: Client, services: list[Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    walk, everybodys = Walk("bob", bob, alice, {}), browse.orders_of(alice.user)
    monkeypatch.setattr(browse, "orders_of", lambda _customer: everybodys)
    assert walk.compare("GET", paths_of("orders:order", ["number"], services[0])) == 200
    assert any("shows the link" in problem for problem in walk.problems)
    alice.refill.delete()
    walk = Walk("bob", bob, alice, {})
    walk.compare("POST", paths_of("orders:refill", ["number"], services[0]))
    assert any("changed something" in problem for problem in walk.problems), walk.problems


def test_the_same_number_in_a_form_of_another_places_another_order(
    alice: Zuleika, bob: Client, services: list[Service]
) -> None:
    """A form's number is a customer's own: the one that alice used finds no order of hers."""
    form = {"service": services[0].pk, "link": "https://instagram.com/a", "quantity": "1000", "nonce": NONCE}
    charges = [alice.client, bob]
    for client in charges:
        page = client.post("/order/", form).content.decode()
        charge = page.split('name="shown_charge" value="')[1].split('"')[0]
        assert client.post("/order/", {**form, "shown_charge": charge}).status_code == 302
    assert sorted(Order.objects.filter(nonce=NONCE).values_list("customer__email", flat=True)) == [
        "bob@example.com", MARKERS["e-mail"],
    ]  # fmt: skip
