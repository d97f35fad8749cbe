"""Checks the owner's settings for an unusual provider API before they are used."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from upstream.errors import ErrorClass
from upstream.states import ProviderOrderState

#: The settings of upstream.dialect.Dialect that have no form field of their own, by their type.
_FLAGS = ("numeric_states", "send_quantity_for_lines", "cancel_single")
_NAMES = ("description_field",)
_TABLES = ("state_map", "error_map", "field_names")
#: Allowed values of a table whose values are our own names.
_MEANINGS = {"state_map": frozenset(ProviderOrderState), "error_map": frozenset(ErrorClass)}


def checked_dialect(value: Any) -> dict[str, Any]:
    """Return the settings as given. Raises ValidationError, naming the first that the client would not understand."""
    if not value:
        return {}
    if not isinstance(value, dict):
        raise ValidationError(_("Please enter a JSON object, such as {}."))
    for name, setting in value.items():
        if name in _FLAGS:
            is_valid = isinstance(setting, bool)
        elif name in _NAMES:
            is_valid = isinstance(setting, str)
        else:
            allowed = _MEANINGS.get(name)
            is_valid = (
                name in _TABLES
                and isinstance(setting, dict)
                and all(isinstance(word, str) and (allowed is None or word in allowed) for word in setting.values())
            )
        if not is_valid:
            raise ValidationError(_("“%(name)s” is not a setting, or its value has the wrong type.") % {"name": name})
    return value
