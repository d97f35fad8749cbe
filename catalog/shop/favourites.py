"""The services that a customer has marked as favourites."""

from django.utils.translation import gettext as _

from accounts.models import User
from catalog.models import Favourite, Service
from core.refusals import Refusal

#: Of one customer.
MOST = 200


class TooManyFavourites(Refusal):
    """The customer has as many favourites as anybody may have."""

    code = "too_many_favourites"


def mark(customer: User, service: Service) -> None:
    """Make a service a favourite of ``customer``; nothing changes if it is one. Raises TooManyFavourites."""
    if Favourite.objects.filter(customer=customer).exclude(service=service).count() >= MOST:
        raise TooManyFavourites(
            _("You have %(most)s favourites, which is the most. Take the star off one of them first.") % {"most": MOST}
        )
    Favourite.objects.bulk_create([Favourite(customer=customer, service=service)], ignore_conflicts=True)


def unmark(customer: User, service: Service) -> None:
    """Make a service no favourite of ``customer`` any more."""
    Favourite.objects.filter(customer=customer, service=service).delete()


def favourites_of(customer: User) -> list[int]:
    """Return the numbers of the customer's favourites, the newest first, sold at the moment or not."""
    return list(Favourite.objects.filter(customer=customer).order_by("-id").values_list("service_id", flat=True))
