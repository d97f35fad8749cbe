"""What mails about top-ups say, in the language that is active."""

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.customer_mails import MailText, Sum, bounded
from accounts.mail_choices import TOP_UP
from billing.models import DocumentKind, TopUp, TopUpState
from billing.topups.movements import Moved, moved_by
from billing.topups.words import is_refunded_by_link, sentence
from core.templatetags.money import money_text
from notices.models import News

#: States that a customer gets a mail about; in the others nothing happened that they did not do themselves.
_TOLD = {
    TopUpState.PAID,
    TopUpState.UNDERPAID,
    TopUpState.FAILED,
    TopUpState.PART_REFUNDED,
    TopUpState.REFUNDED,
    TopUpState.CHARGED_BACK,
}


def note_news(topup: TopUp, *, now: datetime) -> None:
    """Note that its customer may want a mail about the state that ``topup`` just came to, with what made it so."""
    if topup.state in _TOLD:
        News.objects.create(
            customer_id=topup.customer_id, kind=TOP_UP, reference=f"topup:{topup.pk}", at=now, due_at=now
        )


def topup_mail(topup: TopUp) -> MailText | None:
    """Return the mail about a top-up as it stands now; None if there is nothing to say."""
    moved = moved_by(topup)
    words = {"number": topup.number, "amount": money_text(moved.credit + moved.bonus)}
    match TopUpState(topup.state):
        case TopUpState.PAID | TopUpState.UNDERPAID if topup.credited:
            title = _("%(amount)s is in your wallet")
        case TopUpState.UNDERPAID:
            title = _("Top-up %(number)s was paid in part")
        case TopUpState.FAILED:
            title = _("Top-up %(number)s failed")
        case TopUpState.PART_REFUNDED | TopUpState.REFUNDED if is_refunded_by_link(topup):
            title = _("A refund of top-up %(number)s waits for you")
        case TopUpState.PART_REFUNDED:
            title = _("A part of top-up %(number)s was refunded")
        case TopUpState.REFUNDED:
            title = _("Top-up %(number)s was refunded")
        case TopUpState.CHARGED_BACK:
            title = _("Top-up %(number)s was charged back")
        case _:
            return None
    papers = topup.documents.order_by("pk").only("kind", "series", "ordinal", "topup")
    return MailText(
        title=title % words,
        lines=[bounded(str(sentence(topup)), 400)],
        about=[
            (_("Top-up"), topup.number),
            (_("Method"), bounded(topup.method.name)),
            *((str(DocumentKind(paper.kind).label), paper.number) for paper in papers),
        ],
        sums=_sums(moved),
        button=_("See the top-up"),
        path=reverse("billing:topup", args=[topup.pk]),
    )


def _sums(moved: Moved) -> list[Sum]:
    """What it brought to the wallet and took from it; nothing if it moved no money."""
    taken = moved.back - moved.loss
    sums = [Sum(_("Top-up"), money_text(moved.credit))]
    if moved.bonus:
        sums.append(Sum(_("Bonus"), money_text(moved.bonus, signed=True)))
    if taken:
        sums.append(Sum(_("Refund"), money_text(-taken)))
    total = Sum(_("Added"), money_text(moved.credit + moved.bonus - taken), is_total=True)
    return [*sums, total] if moved.credit else []
