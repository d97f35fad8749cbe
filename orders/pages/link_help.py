"""What the order form says about its link: an example of the right kind, and what to do about a wrong one."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext_lazy

from catalog.links.examples import Target, example_link, target_of, wanted_instead
from catalog.links.platforms import BY_SLUG
from catalog.links.reader import WEBSITE, Link, read_link
from catalog.models import Service
from catalog.shop.search_index import search_index
from catalog.shop.search_text import fold
from orders.checkout.checks import service_platforms
from orders.checkout.fields import FieldProblem

#: By the kind of the example.
_HINTS = {
    "profile": gettext_lazy("The address of the public profile, for example %(example)s"),
    "channel": gettext_lazy("The address of the public channel, for example %(example)s"),
    "artist": gettext_lazy("The address of the artist, for example %(example)s"),
    "invite": gettext_lazy("An invitation to the server, for example %(example)s"),
    "post": gettext_lazy("The address of the public post, for example %(example)s"),
    "video": gettext_lazy("The address of the public video, for example %(example)s"),
    "track": gettext_lazy("The address of the track, for example %(example)s"),
    "pin": gettext_lazy("The address of the pin, for example %(example)s"),
    WEBSITE: gettext_lazy("The address of the page, for example %(example)s"),
}


@dataclass(frozen=True)
class OtherPlatformOffer:
    """A link of another platform than the service's, and two ways out.

    ``suggestion`` is the address of the same name on the service's platform, ``services`` the page with services of the
    link's platform; each is empty where there is none.
    """

    pasted: str
    wanted: str
    example: str
    suggestion: str
    services: str

    @property
    def takes_an(self) -> bool:
        """True if English says "an" before the name of the pasted link's platform: an Instagram link, an X link."""
        return self.pasted[:1] in "AEIO" or self.pasted == "X"

    @property
    def shown_suggestion(self) -> str:
        return self.suggestion.removeprefix("https://")


@dataclass(frozen=True)
class OtherKind:
    """A link of a kind that the service is hardly for; ``wants_post`` says which of the two it is for."""

    wants_post: bool
    example: str


def link_hint(service: Service) -> str:
    """Return the hint below the link field: what address is wanted, with an example."""
    example = _example(service)
    kind = read_link(example, platforms=(service.platform,)).kind
    return _HINTS.get(kind, _HINTS[WEBSITE]) % {"example": example}


def other_platform_offer(service: Service, typed: dict[str, str], problem: FieldProblem) -> OtherPlatformOffer | None:
    """Return what to offer if ``problem`` is that the link is one of another platform, else None."""
    pasted = BY_SLUG.get(problem.other_platform)
    wanted = next((BY_SLUG[slug] for slug in service_platforms(service) if slug in BY_SLUG), None)
    if pasted is None or wanted is None:
        return None
    kept = {name: typed[name] for name in ("link", "quantity") if typed.get(name)}
    address = f"{reverse('orders:new')}?{urlencode({'platform': pasted.slug, **kept})}"
    is_sold = any(place.platform == pasted.slug for place in search_index().places)
    return OtherPlatformOffer(
        pasted=pasted.name,
        wanted=wanted.name,
        example=_example(service),
        # The address of an account is no way out where a post is wanted.
        suggestion="" if target_of(_words(service)) is Target.POST else problem.suggestion,
        services=address if is_sold else "",
    )


def other_kind(service: Service, link: Link) -> OtherKind | None:
    """Return a warning if the link is an account and the service for posts, or the other way round."""
    wanted = wanted_instead(link.kind, _words(service))
    return OtherKind(wanted is Target.POST, _example(service)) if wanted else None


def _words(service: Service) -> str:
    return fold(f"{service.name} {service.category.name}")


def _example(service: Service) -> str:
    return example_link(service.platform, _words(service))
