"""Messages to the owner after a button on a provider's page."""

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from catalog.models import Provider, SyncRun
from catalog.models.provider import SyncState
from catalog.providers.checks import ConnectionReport


def show_connection_report(request: HttpRequest, report: ConnectionReport, provider: Provider) -> None:
    for problem in report.problems:
        messages.error(request, problem)
    for note in report.notes:
        messages.warning(request, note)
    if report.balance is not None:
        facts = {"amount": f"{report.balance.normalize():,f}", "currency": report.currency or provider.currency}
        messages.info(request, _("Balance: %(amount)s %(currency)s") % facts)
    if report.services is not None:
        counted = ngettext("%(count)s service in its list.", "%(count)s services in its list.", report.services)
        messages.info(request, counted % {"count": f"{report.services:,}"})
    if report.is_good:
        messages.success(request, _("The connection works."))


def show_sync_result(request: HttpRequest, run: SyncRun) -> None:
    if run.state in (SyncState.FAILED, SyncState.REFUSED):
        messages.error(request, _("The list was not applied: %(problem)s") % {"problem": run.problem})
        return
    if run.state == SyncState.UNCHANGED:
        messages.success(request, _("Nothing has changed in the list."))
        return
    counts = {"added": run.added, "changed": run.changed, "gone": run.vanished, "back": run.returned}
    messages.success(request, _("Applied: %(added)s new, %(changed)s changed, %(gone)s gone, %(back)s back.") % counts)
    if run.quarantined:
        counted = ngettext(
            "%(count)s service is in quarantine and not sold.",
            "%(count)s services are in quarantine and not sold.",
            run.quarantined,
        )
        messages.warning(request, counted % {"count": run.quarantined})
