"""The owner's rules for ordering: which of them hold for a service."""

from django.db.models import Q
from django.utils.safestring import SafeString

from catalog.models import OrderRules, Service
from core.owner_texts import attach, shown
from pages.markdown import rendered
from upstream.service_types import service_type

#: The most texts in one form.
_MOST = 10


def rules_for(service: Service) -> list[SafeString]:
    """Return the texts that hold for ``service`` as HTML, in the owner's order and the language of the page.

    One query, and one for other languages than the owner's.
    """
    kind = service_type(service.type)
    found = OrderRules.objects.filter(
        Q(service=None) | Q(service=service.pk),
        Q(category=None) | Q(category=service.category_id),
        Q(platform="") | Q(platform=service.platform),
        Q(type="") | Q(type=kind.name if kind else ""),
    )
    rules = list(found[:_MOST])
    attach(*rules)
    return [rendered(shown(each, "text")) for each in rules]
