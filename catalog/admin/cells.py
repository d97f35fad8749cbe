"""Fields in the cells of a list: each says what it is, as a column's heading alone does not say it to everybody."""

from typing import Any

from django import forms


class CellForm(forms.ModelForm):  # type: ignore[type-arg]  # Django's class takes no parameter at run time.
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["aria-label"] = f"{field.label}: {self.instance}"
            # The help stands beside the column in words of its own, and a cell has no room for it.
            field.help_text = ""
