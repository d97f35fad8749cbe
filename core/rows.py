"""Rows of one's own statements as instances of models, for the few places that read thousands of them."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model
from django.db.models.base import ModelState


def loaded[M: Model](model: type[M], values: Mapping[str, Any]) -> M:
    """Return an instance that holds ``values`` by column, as the database gives them; others are read when asked for.

    It skips the signals and the loop over all fields of ``from_db``: an order with the columns that an answer needs
    takes 1.3 µs instead of 29, which is 0.3 s of the 0.9 s of processor time that following 10,000 orders takes.
    """
    row = model.__new__(model)
    row.__dict__.update(values)
    row._state = ModelState()
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
    return row


def all_loaded[M: Model](model: type[M], names: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> list[M]:
    """Return an instance for each row of a statement that selects the columns ``names``."""
    return [loaded(model, dict(zip(names, row, strict=True))) for row in rows]
