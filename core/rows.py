"""Rows of one's own statements as instances of models, for the few places that read thousands of them."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model
from django.db.models.base import ModelState


def loaded[M: Model](model: type[M], values: Mapping[str, Any]) -> M:
    """An instance that holds ``values``, by column and as the database gives them; others are read when asked for.

    Without the signals and the loop over all fields of ``from_db``, which take most of the time of a large read.
    """
    row = model.__new__(model)
    row.__dict__.update(values)
    row._state = ModelState()
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
    return row


def all_loaded[M: Model](model: type[M], names: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> list[M]:
    return [loaded(model, dict(zip(names, row, strict=True))) for row in rows]
