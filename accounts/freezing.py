"""Freeze a customer's account, and let it be used again. Open orders go on, and the money stays in the wallet."""

from datetime import datetime

from allauth.usersessions.models import UserSession
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from core.refusals import Refusal, demand_reason
from core.staff_actions import Actor, record_staff_action

FREEZE, UNFREEZE = "customer.freeze", "customer.unfreeze"


class CannotFreeze(Refusal):
    """The person is staff, whose access only an owner ends."""

    code = "cannot_freeze"


def freeze_customer(*, customer_id: int, reason: str, actor: Actor, now: datetime) -> bool:
    """End the customer's sessions and access to pages and API at once; return False if it was frozen before.

    Raises NoReason, CannotFreeze; User.DoesNotExist for an unknown number.
    """
    return _set(customer_id, FREEZE, reason, actor, now, is_active=False)


def unfreeze_customer(*, customer_id: int, reason: str, actor: Actor, now: datetime) -> bool:
    """Give the access back, with the keys that were not revoked; return False if it was not frozen. Raises as above."""
    return _set(customer_id, UNFREEZE, reason, actor, now, is_active=True)


def _set(customer_id: int, action: str, reason: str, actor: Actor, now: datetime, *, is_active: bool) -> bool:
    demand_reason(reason)
    with transaction.atomic():
        customer = User.objects.select_for_update(of=("self",)).get(pk=customer_id)
        if customer.is_staff:
            raise CannotFreeze(_("Only customers are frozen. Access of staff is ended on their own page."))
        if customer.is_active == is_active:
            return False
        customer.is_active = is_active
        customer.save(update_fields=["is_active"])
        if not is_active:
            # Or they would go on where they were once the account is used again.
            for session in UserSession.objects.filter(user=customer):
                session.end()
        record_staff_action(actor, action, customer, reason=reason, after={"at": now.isoformat()})
    return True
