"""Counting what a person does in a browser."""

from dataclasses import dataclass, field

from playwright.sync_api import Page

_COUNT = "addEventListener('pointerdown', (event) => event.isPrimary && pressed(), true);"


@dataclass
class Clicks:
    """The presses of the mouse on a page and those it goes to, from the first page opened after this was made.

    A select that Playwright sets gets no press: :meth:`chosen` counts it.
    """

    page: Page
    _presses: list[None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.expose_function("pressed", lambda: self._presses.append(None))
        self.page.add_init_script(_COUNT)

    def chosen(self) -> None:
        self._presses.append(None)

    @property
    def n(self) -> int:
        return len(self._presses)
