"""Open the shop to customers: once, when it can send mail and its owner has a second factor."""

from datetime import datetime

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from core.models import ShopSettings
from core.refusals import Refusal
from core.staff_actions import Actor, record_staff_action


class NotReady(Refusal):
    """Something is missing without which no customer should come."""

    code = "not_ready"


def open_shop(*, owner: User, actor: Actor, now: datetime) -> bool:
    """Let customers sign up from now on; return False if the shop was open already. Raises NotReady.

    From then on the owner, too, needs the second factor for the admin.
    """
    if not settings.MAIL_IS_SET_UP:
        raise NotReady(_("The shop cannot send mail yet, and customers need a code by mail. Set EMAIL_URL, restart."))
    if not settings.DEMO and not is_mfa_enabled(owner):
        raise NotReady(_("Add a second step to your account first: the admin asks for it once the shop is open."))
    with transaction.atomic():
        shop = ShopSettings.objects.select_for_update().get(pk=1)
        if shop.opened_at is not None:
            return False
        shop.opened_at = now
        shop.save(update_fields=["opened_at"])
        record_staff_action(actor, "shop.open", shop)
    return True
