"""Every parameter of every address with values that no form would send: nothing fails, and nothing takes long."""

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import transaction
from django.http import QueryDict
from django.test import Client
from django.test.client import ClientHandler
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse

from accounts.mail_choices import ORDERS, switch_token
from accounts.models import ApiKey, User
from orders.models import Job, MassOrder, Order
from storefront.incoming import receive
from tests.api.cast import key_for
from tests.battery.counts import sized
from tests.pages.cast import PASSWORD, Orders, customer, mass_order_of, refill_of_all, stock
from tests.sign_in import sign_in_staff

pytestmark = pytest.mark.django_db
type Fields = Mapping[str, list[str]]
FORM = "application/x-www-form-urlencoded"
SECONDS = 1.0
#: How many hostile values each parameter gets: some in `make test`, more in `make gate`, all in a long run.
TURNS = sized(1, 3, 9)
STEP = sized(5, 2, 1)
NUL = "\0"
HOSTILE = ("9" * 30, "-1", "0", "undefined", "a@example.com\u202e", "\ud800", "a" * 5000, "'\"><%s{}", "1e999")
#: What forms would send, so that a request gets past the checks of the other fields.
GOOD: dict[str, list[str]] = {
    "service": ["1"],
    "link": ["https://example.com/p/1"],
    "quantity": ["1000"],
    "shown_charge": ["1000000"],
    "nonce": ["0123456789abcdef"],
    "email": ["new@example.com"],
    "login": ["alice@example.com"],
    "password": [PASSWORD],
    "password1": ["correct horse battery"],
    "oldpassword": [PASSWORD],
    "name": ["bot"],
    "scopes": ["read"],
    "action": ["balance"],
    "page": ["1"],
    "month": ["2026-11"],
    "do": ["refill"],
}


class AtTheDoor(ClientHandler):
    """Django's test client, through the door that the web server has."""

    def __call__(self, environ: dict[str, Any]) -> Any:
        receive(environ)
        return super().__call__(environ)


class Visitor(Client):
    def __init__(self, **defaults: Any) -> None:
        super().__init__(raise_request_exception=True, **defaults)
        self.handler = AtTheDoor(enforce_csrf_checks=False)


class RolledBack(Exception):
    """Ends the transaction of one request."""


@dataclass
class Walk:
    """Sends requests, each in a transaction that is rolled back, and keeps what should not have happened."""

    who: str
    visitor: Visitor
    problems: list[str] = field(default_factory=list)
    sent: int = 0

    def __post_init__(self) -> None:
        self._cookies = deepcopy(self.visitor.cookies)

    def ask(self, method: str, path: str, fields: Fields) -> None:
        """Send ``fields`` as the query string, or as a form."""
        self.visitor.cookies = deepcopy(self._cookies)
        text = "&".join(f"{quote(name)}={encoded(value)}" for name, values in fields.items() for value in values)
        began, status = time.process_time(), 0
        self.sent += 1
        try:
            with suppress(RolledBack), transaction.atomic():
                if method == "GET":
                    response = self.visitor.generic("GET", path, QUERY_STRING=text)
                else:
                    response = self.visitor.generic("POST", path, text, content_type=FORM)
                status = response.status_code
                response.getvalue()
                raise RolledBack
        except Exception as problem:
            self._note(method, path, fields, f"{type(problem).__name__}: {str(problem)[:200]}")
        if status >= 500:
            self._note(method, path, fields, str(status))
        if (took := time.process_time() - began) > SECONDS:
            self._note(method, path, fields, f"{took:.1f} s")

    def _note(self, method: str, path: str, fields: Fields, what: str) -> None:
        odd = {name: values for name, values in fields.items() if values != GOOD.get(name)}
        shown = {name: [value[:40] for value in values] for name, values in odd.items()}
        self.problems.append(f"{self.who}: {method} {path[:150]} {str(shown)[:400]}: {what}")

    def names_asked_for(self, method: str, path: str) -> set[str]:
        with noted_names() as names:
            self.ask(method, path, GOOD)
        return names

    def whole(self, method: str, path: str, more: Iterable[str] = ()) -> None:
        """Send hostile values in all parameters at once, other ones in each turn."""
        # Django refuses an unknown _to_field before it reads anything else.
        names = sorted({*self.names_asked_for(method, path), *more} - {"_to_field"})
        for turn in range(TURNS if names else 0):
            self.ask(method, path, {name: [HOSTILE[(n + turn) % len(HOSTILE)]] for n, name in enumerate(names)})

    def one_by_one(self, method: str, path: str) -> None:
        """Send each hostile value in each parameter, while the others hold what a form would send."""
        for n, name in enumerate(sorted(self.names_asked_for(method, path))):
            for values in ([NUL], ["1", "2"], *([value] for value in HOSTILE[n % STEP :: STEP])):
                self.ask(method, path, {**GOOD, name: values})


def encoded(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


@contextmanager
def noted_names() -> Iterator[set[str]]:
    """The names of the query parameters and form fields that the code asks for."""
    names: set[str] = set()
    with pytest.MonkeyPatch.context() as patch:
        for method in ("__getitem__", "getlist", "__contains__"):
            real = getattr(QueryDict, method)

            def noting(self: QueryDict, name: Any, *rest: Any, real: Any = real) -> Any:
                if not self._mutable:  # it is not just being read from the request
                    names.add(str(name))
                return real(self, name, *rest)

            patch.setattr(QueryDict, method, noting)
        yield names


def patterns(resolver: URLResolver, prefix: str = "", above: Sequence[str] = ()) -> Iterator[tuple[str, list[str]]]:
    """Every address by its name, with the names of its parts."""
    for found in resolver.url_patterns:
        parts = [*above, *found.pattern.regex.groupindex]
        if isinstance(found, URLResolver):
            yield from patterns(found, prefix + (f"{found.namespace}:" if found.namespace else ""), parts)
        elif isinstance(found, URLPattern) and found.name:
            yield f"{prefix}{found.name}", parts


def paths(name: str, parts: list[str]) -> tuple[str, list[str]]:
    """The address with parts that exist where the shop has such a row, and with hostile ones."""
    pk = "1"
    if name.startswith("admin:"):
        app, _, model = name.removeprefix("admin:").rpartition("_")[0].partition("_")
        with suppress(LookupError, ValueError):
            row = apps.get_model(app, model.split("_")[0])._default_manager.first()
            pk = str(row.pk) if row else pk
    elif name in ("orders:mass_placed", "orders:mass_csv"):
        pk = str(MassOrder.objects.values_list("pk", flat=True)[0])
    elif name.startswith("orders:job"):
        pk = str(Job.objects.values_list("pk", flat=True)[0])
    elif name.startswith("orders:"):
        pk = str(Order.objects.values_list("pk", flat=True)[0])
    elif name == "api_key":
        pk = str(ApiKey.objects.values_list("pk", flat=True).first() or pk)
    elif name == "fewer_mails":
        pk = switch_token(User.objects.filter(is_staff=False).values_list("pk", flat=True)[0], [ORDERS])
    parts_of: dict[str, str] = {"uidb36": "1", "key": "set-password", "app_label": "orders", "content_type_id": "1"}
    if name == "admin:accounts_user_revoke":
        key = ApiKey.objects.first()
        pk, parts_of["key"] = (str(key.customer_id), str(key.pk)) if key else (pk, "1")
    good = {part: parts_of.get(part, pk) for part in parts}
    hostile = []
    for part in parts:
        for value in (NUL, *HOSTILE):
            with suppress(NoReverseMatch):
                hostile.append(reverse(name, kwargs={**good, part: value.replace("\ud800", "\x80")}))
    return reverse(name, kwargs=good), hostile


def filters_of(name: str) -> set[str]:
    """What a list in the admin can be asked for."""
    always = {"q", "p", "o", "e", "all", "_facets", "_popup", "_to_field", "_changelist_filters", "pk__in"}
    label = name.removeprefix("admin:").removesuffix("_changelist")
    for model, page in admin.site._registry.items():
        if name.endswith("_changelist") and label == f"{model._meta.app_label}_{model._meta.model_name}":
            for item in page.list_filter:
                shown = item[0] if isinstance(item, tuple) else item
                if isinstance(shown, str):
                    always |= {f"{shown}{end}" for end in ("", "__exact", "__id__exact", "__isnull", "__gte", "__lt")}
                else:
                    always.add(str(getattr(shown, "parameter_name", "")))
            for field_name in (page.date_hierarchy,) if page.date_hierarchy else ():
                always |= {f"{field_name}__{part}" for part in ("year", "month", "day")}
            return always
    return set()


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def shop(settings: Any) -> dict[str, Visitor]:
    """A shop with orders of a customer, and the three kinds of visitors."""
    settings.ACCOUNT_RATE_LIMITS, settings.API_RATE_PER_MINUTE = False, 0
    services, alice = stock(), customer("alice@example.com")
    Orders(alice, services[0]).one_of_each()
    refill_of_all(alice)
    mass_order_of(alice, services[0])
    key_for(alice)
    owner = User.objects.create_superuser("owner@example.com", "owner-password")
    visitors = {who: Visitor() for who in ("anonymous", "customer", "owner")}
    visitors["customer"].force_login(alice)
    sign_in_staff(owner, visitors["owner"])
    GOOD["service"] = [str(services[0].pk)]
    return visitors


@pytest.mark.walk
def test_every_parameter_of_every_page_with_hostile_values(shop: dict[str, Visitor]) -> None:
    problems: list[str] = []
    for who in ("anonymous", "customer"):
        walk = Walk(who, shop[who], problems)
        for name, parts in patterns(get_resolver()):
            if name.startswith("admin:"):
                continue
            good, hostile = paths(name, parts)
            for method in ("GET", "POST"):
                walk.one_by_one(method, good)
                for path in hostile[::STEP]:
                    walk.ask(method, path, {})
    assert not problems, "\n".join(problems)


@pytest.mark.walk
def test_every_parameter_of_the_admin_with_hostile_values(shop: dict[str, Visitor]) -> None:
    walk = Walk("owner", shop["owner"])
    for n, (name, parts) in enumerate(patterns(get_resolver())):
        if not name.startswith("admin:"):
            continue
        good, hostile = paths(name, parts)
        # Django's own pages of this kind are the same for every model.
        if TURNS > 1 or not name.endswith(("_history", "_delete")):
            for method in ("GET", "POST"):
                walk.whole(method, good, filters_of(name))
        walk.ask("GET", good, {"_to_field": ["undefined"]})
        walk.ask("POST", good, {"name": [NUL]})
        for path in hostile[n % STEP :: STEP]:
            walk.ask("GET", path, {})
    assert not walk.problems, "\n".join(walk.problems)


HEADERS = (
    "HTTP_X_FORWARDED_FOR", "HTTP_X_REQUEST_ID", "HTTP_ACCEPT", "HTTP_ACCEPT_LANGUAGE", "HTTP_ACCEPT_ENCODING",
    "HTTP_REFERER", "HTTP_ORIGIN", "HTTP_RANGE", "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_USER_AGENT",
    "HTTP_HX_REQUEST", "HTTP_HX_CURRENT_URL", "HTTP_HX_TARGET", "HTTP_HX_TRIGGER", "HTTP_IDEMPOTENCY_KEY",
    "HTTP_AUTHORIZATION", "HTTP_X_CSRFTOKEN", "HTTP_HOST", "CONTENT_TYPE",
)  # fmt: skip


@pytest.mark.walk
def test_headers_and_cookies_with_hostile_values(shop: dict[str, Visitor], settings: Any) -> None:
    odd = ("9" * 30, "undefined", "http://[", "a" * 5000, ",;=\"*''%00", "bytes=9-1,-1", "\xe2\x80\xae", "*/*;q=x")
    for who, visitor in shop.items():
        for turn, path in enumerate(("/static/app.css", "/orders/", "/api/v2", "/accounts/login/")):
            for n, name in enumerate(HEADERS):
                for value in odd[(n + turn) % 4 :: 4]:
                    extra: Any = {name: value}
                    method = ("GET", "POST")[n % 2]
                    assert visitor.generic(method, path, **extra).status_code < 500, (who, path, name, value[:40])
        cookies = deepcopy(visitor.cookies)
        for name in cookies.keys() | {"messages", settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, "device"}:
            for value in (odd[0], "\0", "a\0bcdefghijkl", odd[5]):
                visitor.cookies[name] = value
                assert visitor.get("/orders/").status_code < 500, (who, name, value[:40])
            visitor.cookies = deepcopy(cookies)
