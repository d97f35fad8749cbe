"""The menu of the owner's pages, read once for each page that shows it."""

from dataclasses import dataclass, field

from core.owner_texts import attach
from pages.models import OwnPage, Place

#: Pages that one part of the menu takes, so that it stays one.
MOST = {Place.HEAD: 3, Place.HELP: 8, Place.RULES: 8}


@dataclass
class Menu:
    """Published pages by their place, in the owner's order."""

    head: list[OwnPage] = field(default_factory=list)
    help: list[OwnPage] = field(default_factory=list)
    rules: list[OwnPage] = field(default_factory=list)

    @property
    def foot(self) -> list[OwnPage]:
        return [*self.help, *self.rules]

    @property
    def all(self) -> list[OwnPage]:
        return [*self.head, *self.foot]


def menu() -> Menu:
    """Return the menu, by one SELECT without the texts; one more for titles in another language."""
    found = Menu()
    pages = OwnPage.objects.filter(is_published=True, place__in=MOST).order_by("position", "title", "pk")
    found_pages = list(pages.only("slug", "title", "place"))
    attach(*found_pages)
    for page in found_pages:
        part: list[OwnPage] = getattr(found, page.place)
        if len(part) < MOST[Place(page.place)]:
            part.append(page)
    return found
