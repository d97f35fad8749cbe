"""The checked fields of an order, and what is wrong with fields that cannot be ordered."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from core.refusals import Refusal

CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]")
WHOLE = re.compile(r"[0-9]{1,15}\Z", re.ASCII)


@dataclass(frozen=True)
class FieldProblem:
    """What is wrong with one field, and a value that would be right where there is an obvious one.

    ``other_platform`` is the slug of a link's platform if the service is for another one.
    """

    message: str
    suggestion: str = ""
    other_platform: str = ""


class BadFields(Refusal):
    """Some fields cannot be ordered like this. ``problems`` maps each field's name to its FieldProblem."""

    code = "bad_fields"

    def __init__(self, problems: Mapping[str, FieldProblem]) -> None:
        self.problems = dict(problems)
        super().__init__(" ".join(p.message for p in self.problems.values()))


@dataclass(frozen=True)
class CheckedFields:
    """Fields that can be ordered: ``sent`` holds exactly what goes to the provider besides key, action and service.

    ``link_key`` is one key for all spellings of the link (`catalog.links.reader`). ``quantity`` is per run; ``total``
    is all that is to be delivered (for a package: 1).
    """

    link: str
    link_key: str
    quantity: int
    total: int
    runs: int | None = None
    interval: int | None = None
    sent: dict[str, str] = field(default_factory=dict)
