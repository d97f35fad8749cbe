"""Form fields in the cells of a list, each with a label of its own for screen readers."""

from typing import Any

from django import forms
from django.forms.renderers import DjangoTemplates
from django.forms.utils import flatatt
from django.utils.html import format_html
from django.utils.safestring import SafeString

_INPUTS = {f"django/forms/widgets/{kind}.html" for kind in ("hidden", "text", "number", "checkbox")}


class CellRenderer(DjangoTemplates):
    """Renders inputs without templates: Django uses one per input, and a page has hundreds of inputs."""

    def render(self, template_name: str, context: dict[str, Any], request: Any = None) -> SafeString:
        if template_name not in _INPUTS:
            return SafeString(super().render(template_name, context, request))
        widget = context["widget"]
        value = {} if widget["value"] is None else {"value": widget["value"]}
        return format_html(
            "<input{}>", flatatt({"type": widget["type"], "name": widget["name"], **value, **widget["attrs"]})
        )


class CellForm(forms.ModelForm):  # type: ignore[type-arg]  # Django's class takes no parameter at run time.
    default_renderer = CellRenderer()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["aria-label"] = f"{field.label}: {self.instance}"
            # A cell has no room for help texts; the page explains its columns elsewhere.
            field.help_text = ""
