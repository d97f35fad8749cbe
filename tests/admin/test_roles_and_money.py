"""No form or list of the admin, sent by any role, moves money or an order around the operations; all leave a line."""

import re
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib.admin import ModelAdmin
from django.db import connection
from django.db.models import Model
from django.test import Client

from billing.models import Account
from core.clock import database_now
from notices.admin import AlertAdmin
from support.admin import CannedAnswerAdmin
from tests.admin.role_rows import PAGES, page_of, row_of, sent, staff, staff_of_a_shop
from tests.admin.test_role_matrix import actions_of
from tests.pages.list_samples import value_of

pytestmark = pytest.mark.django_db
__all__ = ["staff", "staff_of_a_shop"]
#: The ready roles by their letters, as in `tests/admin/test_role_matrix.py`.
ROLES_WALKED = "omsac"
#: Tables that only operations write: money, what customers paid, and orders with all that became of them.
HELD = re.compile(
    r"billing_(account|transfer|hold|walletline|helddeposit|topup|topuppayment|paymentrefund|document|voucher)$"
    r"|accounts_moneybyhand|core_staffaction_|orders_(order|forwardattempt|refill|refillattempt|repeatattempt"
    r"|cancellation|childorder|orderevent|moneyday|moneyhour|customermoneyday|ownid|providerentry)$"
)
#: Rows that are no work of a form: who is signed in, and what Django itself writes of forms.
_ASIDE = re.compile(r"django_session|usersessions_|core_cache|core_counter|django_admin_log|mfa_|catalog_before")


def writes() -> dict[str, int]:
    """How many rows of each table the transaction has written so far."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables")
        return {table: count for table, count in cursor.fetchall() if not _ASIDE.match(table)}


@dataclass
class Walk:
    """Sends forms and actions of one person; keeps what went around the operations, and how much was changed."""

    who: str
    client: Client
    problems: list[str] = field(default_factory=list)
    changed: int = 0

    def send(self, path: str, data: dict[str, Any]) -> None:
        before, after = writes(), dict[str, int]()
        answer = sent(self.client, "post", path, data, after=lambda: after.update(writes()))
        written = {table for table, count in after.items() if count != before.get(table, 0)}
        # A page that comes back with what is wrong took back what it wrote.
        if not written or answer.status_code not in (302, 303):
            return
        self.changed += 1
        what = f"{self.who}: {path} {data.get('action', '')}"
        if held := sorted(filter(HELD.match, written)):
            self.problems.append(f"{what} wrote {', '.join(held)}")
        if "core_staffaction" not in written:
            self.problems.append(f"{what} wrote {', '.join(sorted(written))} and no line about it")

    def forms(self, model: type[Model]) -> None:
        """Send the forms of a table as they are filled in, with every column of it, and the deletion of a row."""
        row = row_of(model)
        pages = [page_of(model, "add")] + ([page_of(model, "change", row.pk)] if row else [])
        for path in pages:
            answer: Any = sent(self.client, "get", path)
            shown = getattr(answer, "context_data", None) or {}
            own = filled(shown["adminform"].form) if "adminform" in shown else {}
            self.send(path, {**every_column(model), **own})
        if row is not None:
            self.send(page_of(model, "delete", row.pk), {"post": "yes"})

    def actions(self, model: type[Model]) -> None:
        """Send each action of a list for its first row, confirmed."""
        row, path = row_of(model), page_of(model, "changelist")
        for action in actions_of(self.client, path) if row else ():
            self.send(path, {"action": action, "_selected_action": [row.pk if row else 1], "post": "yes", "apply": "1"})


def filled(form: Any) -> dict[str, Any]:
    """The values of a form as a browser sends them; texts that are empty get a word."""
    values = {bound.html_name: bound.value() for bound in form}
    return {
        name: "x" if value in (None, "") else value
        for name, value in values.items()
        if value is not False and not (value is None and name.startswith("is_"))
    }


def every_column(model: type[Model]) -> dict[str, str]:
    """A value for every column of the table, also those of which no form has a field."""
    columns = [column for column in model._meta.concrete_fields if not column.primary_key]
    values = {c.name: "1" if c.remote_field else value_of(c) for c in columns}
    return {name: "on" if value is True else str(value) for name, value in values.items()}


@pytest.mark.walk
def test_no_form_and_no_action_of_a_list_goes_around_the_operations(staff: dict[str, Client]) -> None:
    problems: list[str] = []
    for letter in ROLES_WALKED:
        walk = Walk(letter, staff[letter], problems)
        for model, _page in PAGES:
            walk.forms(model)
            walk.actions(model)
        assert walk.changed > 0, letter
    assert problems == [], "\n".join(problems)


def test_a_leak_is_seen(staff: dict[str, Client], monkeypatch: pytest.MonkeyPatch) -> None:
    def leak(page: ModelAdmin, request: Any, queryset: Any) -> Any:  # type: ignore[type-arg]
        Account.objects.filter(customer__isnull=False).update(frozen_at=database_now())

    models = {type(page): model for model, page in PAGES}
    monkeypatch.setattr(AlertAdmin, "actions", (leak,))
    monkeypatch.setattr(CannedAnswerAdmin, "log_change", lambda *_what: None)
    walk = Walk("manager", staff["m"])
    walk.forms(models[CannedAnswerAdmin])
    [problem] = walk.problems
    assert "support_cannedanswer and no line about it" in problem
    walk.problems.clear()
    walk.actions(models[AlertAdmin])
    assert [problem.partition(" leak ")[2] for problem in walk.problems] == [
        "wrote billing_account", "wrote billing_account and no line about it",
    ]  # fmt: skip
