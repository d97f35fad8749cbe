"""Two customers of one shop, for the walk that looks for anything of one on the pages of the other.

The rows of one of them have the same number in every table, so that one number names whatever a page may ask for.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db import connection, models
from django.test import Client
from django.utils.http import int_to_base36

from accounts.api_keys import create_key
from accounts.models import User
from billing import ledger
from billing.models import BuyerDetails, DemoPayment, Document, TopUp
from catalog.models import ProviderService, Service
from core.clock import database_now
from orders import drafts, notes
from orders.checkout.placement import place_order
from orders.models import ChildOrder, Order, Refill
from orders.refills import request_refill
from storefront.embedded.postgres import OWNER_ROLE
from support.tickets import open_ticket
from tests.billing.topups.cast import method, started
from tests.pages.cast import Orders, customer, mass_order_of, refill_of_all
from tests.roles import as_role, unguarded
from tests.sign_in import sign_in_customer

#: Alice's rows begin here in every table, bob's there; nobody has the number between them.
FIRST, NOBODYS, SECOND = 915_273, 915_400, 915_500
NONCE = "nonce-of-zuleika"
#: What a request names of alice, and the same of nobody.
ALIKE = (
    (str(FIRST), str(NOBODYS)),
    (f"{FIRST:,}", f"{NOBODYS:,}"),
    (int_to_base36(FIRST), int_to_base36(NOBODYS)),
    ("zanzibar.qx", "nobodys.qx"),
    ("zuleika", "anybody"),
)
#: What only alice's pages may show, each in its own place.
MARKERS = {
    "e-mail": "zuleika@example.com",
    "link": "zanzibar.qx",
    "account of a subscription": "posts.qx",
    "link of a kept form": "draft.qx",
    "link of a mass order": "many.qx",
    "note about an order": "only for zuleikas eyes",
    "reason of a credit": "Wire 77-QX",
    "amount of a credit": "7,311.17",
    "number of an order": str(FIRST),
    "amount of a top-up": "43.21",
    "number of a receipt": "R-1987-000004",
    "name on receipts": "Qx Trading Ltd",
    "name of a key": "zuleikas-bot",
    "name of a passkey": "Zuleikas YubiKey",
    "browser of a session": "QxBrowser",
    "subject of a ticket": "Subject of Zuleika",
    "text of a ticket": "Message of Zuleika",
}
#: What no page of a customer shows yet, alice's neither.
UNSEEN = {"nonce": NONCE}

_RANDOM = (
    (re.compile(r"\d\d:\d\d:\d\d(\.\d+)?"), "time"),
    (re.compile(r'"[A-Za-z0-9_-]{43,}={0,2}"'), '"challenge"'),
    (re.compile(r"\b[A-Za-z0-9]{64}\b"), "token"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "token"),
    (re.compile(r"\b[A-Z2-7]{32}\b"), "secret"),
    (re.compile(r"<svg (?!class).*?</svg>|data:image/svg[^\"]*", re.DOTALL), "code"),
)
_ASIDE = frozenset({"X-Request-ID", "ETag", "Content-Length", "Date", "Expires", "Last-Modified", "Set-Cookie"})


def number_from(first: int) -> None:
    """Let every table number its next rows from ``first`` on, until the transaction of the test is rolled back."""
    with as_role(OWNER_ROLE), connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(sequencename) FROM pg_sequences WHERE schemaname = 'public'")
        for (sequence,) in cursor.fetchall():
            cursor.execute(f"ALTER SEQUENCE {sequence} RESTART WITH {first}")


@dataclass
class Zuleika:
    """A customer with a row of every kind."""

    user: User
    client: Client
    order: Order
    refill: Refill
    key: str


def zuleika(services: list[Service]) -> Zuleika:
    """Alice under a name that stands nowhere else; all her numbers begin with FIRST."""
    demo = method()
    number_from(FIRST)
    user, now = customer(MARKERS["e-mail"], "0"), database_now()
    reason = MARKERS["reason of a credit"]
    ledger.credit(customer=user, amount=Decimal("7311.17"), reason=reason, reference="wire:zuleika", actor="owner")
    user.set_password("only she knows this")
    user.save()
    client = sign_in_customer(user, Client(headers={"user-agent": "QxBrowser/9"}))
    UserSession.objects.filter(user=user).update(user_agent="QxBrowser/9")
    orders = Orders(user, services[0])
    order = orders.completed(link="https://instagram.com/zanzibar.qx")
    refill = request_refill(order=order, actor=user.email, now=now)
    drip = orders.running(remains=700, quantity=250, runs="4", interval="60", link="https://instagram.com/zanzibar.qx")
    ChildOrder.objects.create(parent=drip, provider=drip.provider, upstream_id="9zanzibar", quantity=250)
    ProviderService.objects.filter(type="Subscriptions").update(type="subscriptions")  # as lists are read
    posts = next(service for service in services if service.name == "Posts for subscribers")
    fields = {"username": MARKERS["account of a subscription"], "posts": "3", "min": "100", "max": "200", "delay": "0"}
    place_order(customer=user, service_id=posts.pk, fields=fields, now=now)
    refill_of_all(user)
    mass_order_of(user, services[0], MARKERS["link of a mass order"])
    notes.save_note(order, MARKERS["note about an order"])
    drafts.keep_for_customer(user, services[1].pk, {"link": "https://instagram.com/draft.qx"}, now=now)
    Authenticator.objects.create(
        user=user, type="webauthn", data={"name": MARKERS["name of a passkey"], "credential": {}}
    )
    texts = {"subject": MARKERS["subject of a ticket"], "message": MARKERS["text of a ticket"]}
    open_ticket(customer=user, order=order, now=now, **texts)
    topup = started(user, demo, MARKERS["amount of a top-up"])
    DemoPayment.objects.filter(remote_id=topup.remote_id).update(remote_id="demo-zuleika")
    with unguarded():
        TopUp.objects.filter(pk=topup.pk).update(remote_id="demo-zuleika")
    Document.objects.create(
        kind="receipt", series="R-1987", ordinal=4, customer=user, topup=topup, amount=1, fee=0, tax=0, language="en",
        html="<article><h1>Receipt</h1>R-1987-000004</article>", made_at=now,
    )  # fmt: skip
    BuyerDetails.objects.create(customer=user, name=MARKERS["name on receipts"])
    key = create_key(customer=user, now=now, name=MARKERS["name of a key"]).plain
    return Zuleika(user, client, Order.objects.get(pk=order.pk), refill, key)


def rows_of(user: User) -> dict[str, list[str]]:
    """Every row of ``user`` and every row that points to one of those, as text, by table."""
    known: dict[type[models.Model], set[Any]] = {User: {user.pk}}
    to_follow: list[type[models.Model]] = [User]
    while to_follow:
        model = to_follow.pop()
        # Hidden ones too: those without a name on the other side.
        for relation in model._meta.get_fields(include_hidden=True):
            if not (relation.auto_created and (relation.one_to_many or relation.one_to_one) and not relation.concrete):
                continue
            child, column = relation.related_model, relation.field
            keys = set(child._base_manager.filter(**{f"{column.name}__in": known[model]}).values_list("pk", flat=True))
            if keys - known.get(child, set()):
                known[child] = known.get(child, set()) | keys
                to_follow.append(child)
    return {model._meta.db_table: _texts(model, keys) for model, keys in known.items()}


def _texts(model: type[models.Model], keys: Iterable[Any]) -> list[str]:
    with connection.cursor() as cursor:
        table, key = (connection.ops.quote_name(n) for n in (model._meta.db_table, model._meta.pk.column))
        cursor.execute(f"SELECT t::text FROM {table} t WHERE {key} = ANY(%s) ORDER BY 1", [list(keys)])  # noqa: S608
        return [text for (text,) in cursor.fetchall()]


def text_of(answer: Any) -> str:
    """All that an answer says: status, headers, names of cookies, messages and body, without what is always random."""
    headers = [f"{name}: {value}" for name, value in sorted(answer.items()) if name not in _ASIDE]
    queued = [str(message) for message in getattr(answer.wsgi_request, "_messages", _Nothing)._queued_messages]
    body = answer.getvalue().decode("utf-8", "replace")
    text = "\n".join([str(answer.status_code), *headers, *sorted(answer.cookies), *queued, body])
    for pattern, word in _RANDOM:
        text = pattern.sub(word, text)
    return text


class _Nothing:
    _queued_messages: tuple[str, ...] = ()


def masked(text: str) -> str:
    """``text`` with the same words for what was asked of alice and of nobody, and for rows that were made meanwhile."""
    text = re.sub(rf"\b{SECOND // 100}\d\d\b", "NEW", text)
    for hers, nobodys in ALIKE:
        text = text.replace(hers, "SENT").replace(nobodys, "SENT")
    return text
