"""What each role may open and send in the admin, page by page and action by action, equals one table."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.test import Client
from django.urls import URLPattern, reverse

from accounts.models import User
from tests.admin.role_rows import PAGES, page_of, row_of, sent, staff, staff_of_a_shop
from tests.pages.list_samples import sample

pytestmark = pytest.mark.django_db
__all__ = ["staff", "staff_of_a_shop"]
#: o owner, m manager, s support, a accountant, c catalog editor; - nobody.
#: The list, its history of a row, a new row, a changed row and a deleted row.
STOCK = """
accounts.apikey                    oms oms - - -
accounts.customergroup             omsc omsc omc omc omc
accounts.user                      omsa omsa o om -
auth.group                         o o o o o
billing.bonusrule                  oma oma o o o
billing.depositrule                oma oma om om om
billing.document                   omsa omsa - - -
billing.hold                       omsa omsa - - -
billing.moneysettings              oma oma - o -
billing.paymentmethod              oma oma o o -
billing.topup                      omsa omsa - - -
billing.transfer                   omsa omsa - - -
billing.unknownpayment             oma oma - - -
billing.voucherbatch               oma oma oma - -
billing.wallet                     omsa omsa - - -
catalog.category                   omsc omsc omc omc -
catalog.customerprice              oms oms om om om
catalog.displaycurrency            omac omac om om o
catalog.markuprule                 omc omc omc omc omc
catalog.orderrules                 omc omc omc omc o
catalog.priceadjustment            omc omc omc - -
catalog.provider                   omac omac o o o
catalog.providerservice            omc omc - - -
catalog.service                    omsac omsac - omc -
catalog.syncrun                    omc omc - - -
catalog.unlistedtext               omc omc - omc -
core.shopsettings                  omsac om - o -
core.staffaction                   oma oma - - -
notices.alert                      omsa omsa - - -
notices.heartbeat                  om om - - -
notices.outbox                     oms oms - - -
orders.cancellation                oms oms - - -
orders.childorder                  oms oms - - -
orders.doubtfulorder               omsa omsa - omsa -
orders.job                         oms oms - oms -
orders.order                       omsa omsa - - -
orders.ownid                       om om - - -
orders.provideraccount             oma oma - - -
orders.reconciliationbreak         oma oma - - -
orders.refill                      oms oms - - -
orders.requestidtest               om om - - -
pages.ownpage                      oms oms om om o
pages.termsacceptance              oms oms - - -
pages.termsversion                 oms oms - - -
support.cannedanswer               oms oms oms oms om
support.ticket                     omsa omsa - oms -
"""
#: All other pages, as far as they take POST; else GET.
OWN = """
tables                             omsac
find                               omsac
report                             oma
alerts                             om
accounts_user_change               om
accounts_user_statement            omsa
accounts_user_freeze               om
accounts_user_note                 oms
accounts_user_revoke               oms
index                              omsac
accounts_user_view_as              oms
billing_document_paper             omsa
billing_document_pdf               omsa
billing_paymentmethod_test         o
billing_topup_look                 oma
billing_topup_decide               oma
billing_topup_proof                omsa
billing_topup_refund               oma
billing_topup_refund_by_hand       oma
billing_topup_evidence             omsa
billing_topup_surplus              oma
billing_topup_review               oma
billing_topup_release              oma
billing_unknownpayment_close       oma
billing_voucherbatch_codes         omsac
billing_wallet_credit              oma
billing_wallet_debit               oma
billing_wallet_unfreeze            oma
catalog_category_languages         omc
catalog_orderrules_languages       omc
catalog_customerprice_export       oms
catalog_customerprice_import       om
catalog_priceadjustment_undo       omc
catalog_provider_test              o
catalog_provider_sync              o
catalog_provider_sync_progress     omac
catalog_provider_open              o
catalog_provider_open_test         o
catalog_provider_open_progress     o
catalog_service_prices             omac
catalog_service_import_prices      omc
catalog_service_languages          omc
catalog_syncrun_csv                omc
core_shopsettings_open             o
core_shopsettings_languages        o
orders_doubtfulorder_placed        oms
orders_doubtfulorder_not_placed    oms
orders_job_stop                    oms
orders_job_results                 oms
orders_order_bulk                  oms
orders_order_link                  oms
orders_order_refund                oms
orders_order_cancel                oms
orders_order_refill                oms
orders_order_note                  oms
orders_order_settle                oms
orders_order_nothing_to_do         oms
orders_ownid_foreign               om
orders_provideraccount_enter       oma
orders_reconciliationbreak_decide  oma
orders_requestidtest_order         o
pages_ownpage_publish              om
pages_ownpage_languages            om
support_ticket_next                omsa
"""
#: The actions of lists.
ACTIONS = """
accounts.apikey.use_panel_words    o
accounts.apikey.use_smartpanel_words o
accounts.apikey.revoke             o
accounts.customergroup.delete_selected omc
accounts.user.end_sessions         o
auth.group.delete_selected         o
billing.bonusrule.delete_selected  o
billing.depositrule.delete_selected om
billing.paymentmethod.delete_selected o
billing.voucherbatch.stop          oma
catalog.customerprice.delete_selected om
catalog.displaycurrency.delete_selected o
catalog.displaycurrency.confirm_rates om
catalog.markuprule.delete_rules    omc
catalog.orderrules.delete_selected o
catalog.provider.delete_selected   o
catalog.provider.unpark            o
catalog.providerservice.accept     omc
catalog.providerservice.pass_on    omc
catalog.providerservice.import_rows omc
catalog.service.show               omc
catalog.service.hide               omc
catalog.service.change_category    omc
catalog.service.change_prices      omc
catalog.service.set_markup         omc
notices.alert.close                om
notices.outbox.send_again          om
orders.order.staff_cancel          oms
orders.order.staff_refund          oms
orders.order.staff_part            oms
orders.order.staff_resend          oms
orders.order.staff_refill          oms
orders.order.staff_note            oms
pages.ownpage.delete_selected      o
support.cannedanswer.delete_selected om
support.ticket.close               oms
"""
#: Django's own pages of the site, which show nothing of the shop.
_NOT_OURS = frozenset({
    "login", "logout", "jsi18n", "view_on_site", "app_list", "autocomplete", "password_change", "password_change_done",
})  # fmt: skip
_KINDS = {"changelist": "get", "history": "get", "add": "get", "change": "post", "delete": "get"}


def lines(text: str) -> dict[str, list[str]]:
    """The lines of a table by their first word."""
    return {words[0]: words[1:] for words in map(str.split, text.strip().splitlines())}


def who(staff: dict[str, Client], method: str, path: str) -> str:
    """The letters of those who are not refused. A row that is not there is a 404 for those who may see it."""
    return "".join(w for w, client in staff.items() if sent(client, method, path).status_code != 403) or "-"


def own_pages_of_the_admin() -> Iterator[tuple[str, str]]:
    """The name and an address of each page that is no list, form or history of Django's."""
    for found in admin.site.get_urls():
        if isinstance(found, URLPattern) and found.name and found.name not in _NOT_OURS:
            parts = dict.fromkeys(found.pattern.regex.groupindex, User.objects.get(email="alice@example.com").pk)
            if "kind" not in parts:
                yield found.name, reverse(f"admin:{found.name}", kwargs=parts)
    for model, page in PAGES:
        start, row = f"{model._meta.app_label}_{model._meta.model_name}_", row_of(model)
        for found in page.get_urls():
            if found.name and found.name.removeprefix(start) not in _KINDS:
                parts = dict.fromkeys(found.pattern.regex.groupindex, row.pk if row else 1)
                yield found.name, reverse(f"admin:{found.name}", kwargs=parts)


@pytest.mark.walk
def test_each_page_of_each_table_opens_to_whom_the_table_names(
    staff: dict[str, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {}
    for model, page in PAGES:
        row, cells = row_of(model), []
        for kind, method in _KINDS.items():
            with monkeypatch.context() as patch:
                if row is None:  # without one Django leads away before it asks for rights
                    patch.setattr(model, "__str__", lambda _row: "a row")
                    there = sample(model, 1)
                    patch.setattr(page, "get_object", lambda *_where, there=there: there)
                cells.append(who(staff, method, page_of(model, kind, row.pk if row else 1)))
        found[model._meta.label_lower] = cells
    assert found == lines(STOCK)


@pytest.mark.walk
def test_each_page_of_ours_opens_to_whom_the_table_names(staff: dict[str, Client]) -> None:
    found: dict[str, list[str]] = {}
    for name, path in own_pages_of_the_admin():
        takes_post = sent(staff["o"], "post", path).status_code != 405
        found[name] = [who(staff, "post" if takes_post else "get", path)]
    assert found == lines(OWN)


def test_each_action_is_offered_to_whom_the_table_names(staff: dict[str, Client]) -> None:
    found: dict[str, list[str]] = {}
    for model, _page in PAGES:
        for letter, client in staff.items():
            for action in actions_of(client, page_of(model, "changelist")):
                name = f"{model._meta.label_lower}.{action}"
                found[name] = [found.get(name, [""])[0] + letter]
    assert found == lines(ACTIONS)


def actions_of(client: Client, path: str) -> list[str]:
    """The actions that a list offers."""
    answer: Any = sent(client, "get", path)
    form = getattr(answer, "context_data", {}).get("action_form")
    return [name for name, _label in form.fields["action"].choices if name] if form else []


def test_a_page_that_forgets_to_ask_is_seen(staff: dict[str, Client], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ModelAdmin, "has_view_or_change_permission", lambda *_asked: True)
    model, _page = PAGES[0]
    assert who(staff, "get", page_of(model, "changelist")) == "omsac"
