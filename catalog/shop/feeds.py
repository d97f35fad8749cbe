"""Service updates for feed readers."""

from datetime import datetime
from typing import Any

from django.contrib.syndication.views import Feed
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from catalog.models import ServiceChange
from catalog.shop.page_addresses import category_address, service_address
from catalog.shop.updates import NEWEST, about_many, attach_names, public_updates
from core.owner_texts import shown
from core.templatetags.money import money_text


class UpdatesRss(Feed):  # type: ignore[type-arg]  # Django's class takes no parameter at run time.
    title = gettext_lazy("Service updates")
    description = gettext_lazy("New, dearer, cheaper, gone and returned services")

    def link(self) -> str:
        return reverse("catalog:updates")

    def items(self) -> list[ServiceChange]:
        rows = list(public_updates()[:NEWEST])
        attach_names(rows)
        return rows

    def item_title(self, item: Any) -> str:
        name = about_many(item) if item.service is None else shown(item.service, "name")
        return f"{item.get_kind_display()}: {name}"

    def item_description(self, item: Any) -> str:
        """The prices, with their unit. Feed readers show this as HTML, and a price contains none."""
        old, new = item.old_price, item.new_price
        facts = {"unit": item.get_unit_display()}
        if old is not None and new is not None:
            return _("%(old)s, now %(new)s %(unit)s") % {"old": money_text(old), "new": money_text(new), **facts}
        price = new if new is not None else old
        return "" if price is None else _("%(price)s %(unit)s") % {"price": money_text(price), **facts}

    def item_link(self, item: Any) -> str:
        if item.service is not None:
            return service_address(item.service.pk, item.service.name)
        if item.category is not None:
            return category_address(item.category.pk, item.category.name)
        return reverse("catalog:prices")

    def item_guid(self, item: Any) -> str:
        return f"service-update:{item.pk}"

    item_guid_is_permalink = False

    def item_pubdate(self, item: Any) -> datetime:
        at: datetime = item.at
        return at

    def item_categories(self, item: Any) -> list[str]:
        category = item.service.category if item.service else item.category
        return [shown(category, "name")] if category else []


class UpdatesAtom(UpdatesRss):
    feed_type = Atom1Feed
    subtitle = UpdatesRss.description
