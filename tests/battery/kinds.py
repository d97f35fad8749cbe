"""The kinds of faults and rules that a whole run of the battery must have met often enough."""

import ast
from collections.abc import Mapping
from pathlib import Path

from upstream.simulator.faults import CLIENT_SIDE, FAULTS

HAPPENINGS = [Path(__file__).with_name(name) for name in ("happenings.py", "many.py")]


def needed_faults() -> set[str]:
    return {*FAULTS, *CLIENT_SIDE}


def needed_rules() -> set[str]:
    """The rules of the state machine, read from its text: to load it, Django and a database would be needed."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in HAPPENINGS]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    calls = [node for node in nodes if isinstance(node, ast.Call) and node.args]
    named = [call.args[0] for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "_did"]
    return {rule_of(word) for name in named if isinstance(word := _first(name), str)}


def _first(name: ast.expr) -> object:
    """The text of a name, or how a composed one begins."""
    part = name.values[0] if isinstance(name, ast.JoinedStr) else name.body if isinstance(name, ast.IfExp) else name
    return part.value if isinstance(part, ast.Constant) else None


def rule_of(label: str) -> str:
    """The rule's name: "top_up twice" is a top_up."""
    return label.split(" ")[0].rstrip(",")


def rules_of(labels: Mapping[str, int]) -> dict[str, int]:
    found: dict[str, int] = {}
    for label, count in labels.items():
        if label.endswith(" nothing"):
            continue  # there was nothing to do it to
        found[rule_of(label)] = found.get(rule_of(label), 0) + count
    return dict(sorted(found.items()))


def kind_of(label: str) -> str:
    """The fault's kind: "late_place:30" is a late_place, and "h504_np" an h504 whose order was not placed."""
    name = label.partition(":")[0]
    for suffix in ("_np", "_p"):
        if name not in FAULTS and name.endswith(suffix):
            name = name.removesuffix(suffix)
    return name


def kinds_of(labels: Mapping[str, int]) -> dict[str, int]:
    found: dict[str, int] = {}
    for label, count in labels.items():
        found[kind_of(label)] = found.get(kind_of(label), 0) + count
    return dict(sorted(found.items()))
