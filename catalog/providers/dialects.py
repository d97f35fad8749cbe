"""Checks what an owner writes about an unusual panel before anything is asked with it."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from upstream.errors import ErrorClass
from upstream.states import ProviderOrderState

#: The settings of upstream.dialect.Dialect that have no field of their own, by what they hold.
_FLAGS = ("numeric_states", "send_quantity_for_lines", "cancel_single")
_NAMES = ("description_field", "request_id_field")
_TABLES = ("state_map", "error_map", "field_names")
#: What the words of a table may stand for, where that is a name of ours.
_MEANINGS = {"state_map": frozenset(ProviderOrderState), "error_map": frozenset(ErrorClass)}


def checked_dialect(value: Any) -> dict[str, Any]:
    """The settings as given. Raises ValidationError, naming the first that the client would not understand."""
    if not value:
        return {}
    if not isinstance(value, dict):
        raise ValidationError(_("This must be a JSON object, such as {}."))
    for name, setting in value.items():
        if not _is_understood(name, setting):
            raise ValidationError(_("“%(name)s” is not a setting, or its value is of the wrong kind.") % {"name": name})
    return value


def _is_understood(name: str, setting: Any) -> bool:
    if name in _FLAGS:
        return isinstance(setting, bool)
    if name in _NAMES:
        return isinstance(setting, str)
    if name not in _TABLES or not isinstance(setting, dict):
        return False
    return all(
        isinstance(word, str) and (name not in _MEANINGS or word in _MEANINGS[name]) for word in setting.values()
    )
