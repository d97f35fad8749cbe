"""From where a top-up is started: kept with it for a dispute."""

from dataclasses import dataclass

from django.http import HttpRequest

from accounts.models import User
from billing.models.topups import DEVICE_LENGTH
from core.addresses import client_address
from pages.models import TermsAcceptance


@dataclass(frozen=True)
class Origin:
    """The network address, what the browser says about itself, and the newest terms that the customer accepted."""

    address: str | None = None
    device: str = ""
    terms_id: int | None = None


#: Of top-ups that no browser started.
NOWHERE = Origin()


def origin_of(request: HttpRequest, customer: User) -> Origin:
    """Return the origin of a top-up that ``customer`` starts with ``request``."""
    device = "".join(sign for sign in request.headers.get("User-Agent", "") if sign.isprintable())
    accepted = TermsAcceptance.objects.filter(customer=customer).order_by("-version__number")
    return Origin(
        address=client_address(request) or None,
        device=device[:DEVICE_LENGTH],
        terms_id=accepted.values_list("version", flat=True).first(),
    )
