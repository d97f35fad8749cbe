"""The admin's search field for a related row, with values that no page of ours sends."""

from typing import Any

from django import forms
from django.contrib.admin.widgets import AutocompleteSelect


class NumberSelect(AutocompleteSelect):
    """Shows nothing as chosen where the value is no number; Django's widget looks for it in the database and fails.

    Brings the script that gives what Django draws the name of its label.
    """

    @property
    def media(self) -> forms.Media:
        return super().media + forms.Media(js=["admin-names.js"])

    def optgroups(self, name: str, value: Any, attr: dict[str, Any] | None = None) -> list[Any]:
        numbers = [v for v in value if str(v).isascii() and str(v).isdigit()]
        groups: list[Any] = super().optgroups(name, numbers, attr)
        return groups
