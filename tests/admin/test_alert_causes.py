"""The list of alerts: its pages exist, its texts get their data, and the handbook's table names each of them."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from notices import causes
from notices.causes import CAUSES, Cause

ROOT = Path(__file__).parents[2]


def placeholders(cause: Cause) -> set[str]:
    """The data that a cause needs."""
    in_texts = re.findall(r"%\((\w+)\)s", f"{cause.title} {cause.body}")
    in_keys = re.findall(r"\{(\w+)\}", f"{cause.key} {cause.query}")
    return {*in_texts, *in_keys, *([cause.page_of] if cause.page_of else [])}


@pytest.mark.parametrize("cause", CAUSES.values(), ids=CAUSES)
def test_each_page_is_a_page_of_the_admin(cause: Cause) -> None:
    path = cause.path_for(dict.fromkeys(placeholders(cause), 7))
    assert path.startswith("/admin/") or not cause.page


@pytest.mark.parametrize("cause", CAUSES.values(), ids=CAUSES)
def test_each_text_is_filled_by_its_placeholders(cause: Cause) -> None:
    data = dict.fromkeys(placeholders(cause), "7")
    assert "%" not in str(cause.title) % data + str(cause.body) % data
    assert cause.key_for(data)


def calls() -> Iterator[tuple[str, str, set[str]]]:
    """Function, cause and names of the data of each call in the product that names a cause."""
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    for path in listed.stdout.split():
        if path.startswith("tests/"):
            continue
        for node in ast.walk(ast.parse((ROOT / path).read_text())):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            match node.args[0]:
                case ast.Attribute(value=ast.Name(id="causes"), attr=name):
                    function = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                    yield function, name, {word.arg or "**" for word in node.keywords} - {"now", "actor", "path"}


def test_each_call_gives_exactly_the_data_its_cause_needs() -> None:
    raised = set()
    for function, name, given in calls():
        cause = CAUSES[name]
        if function == "close_alert":
            assert given == set(re.findall(r"\{(\w+)\}", cause.key)), f"close_alert({name})"
        else:
            # `orders.changes.write` adds the order to the alerts of a change.
            added = {"order"} if function == "alert" else set()
            assert given | added == placeholders(cause) | added, f"{function}({name})"
            raised.add(name)
    assert raised == set(CAUSES), "each cause is raised somewhere"


def test_the_handbook_has_a_row_for_each_cause() -> None:
    text = (ROOT / "docs/operations.md").read_text()
    rows = re.findall(r"^\| `([a-z]+:[^`]*)` \| ([^|]+) \| [^|]+ \| [^|]+ \|$", text, re.MULTILINE)
    assert rows == [(cause.key, re.sub(r"%\(\w+\)s", "…", str(cause.title))) for cause in CAUSES.values()]


def test_stored_causes_keep_their_spelling() -> None:
    """Open alerts are found again by it, also those that an earlier version raised."""
    assert causes.REFILL_UNANSWERED.key_for({"provider": 3}) == "provider:3:refill_untold"
    assert causes.FAILURE.key_for({"part": "syncing catalogs"}) == "failure:syncing catalogs"
    assert {cause.key for cause in CAUSES.values()} == {
        "failure:{part}", "order:{order}:contradiction", "order:{order}:loss", "provider:{provider}:balance",
        "provider:{provider}:books_beyond", "provider:{provider}:break:{kind}:{about}", "provider:{provider}:breaker",
        "provider:{provider}:cancel_words", "provider:{provider}:currency", "provider:{provider}:doubt",
        "provider:{provider}:doubt_refunded", "provider:{provider}:knows_none", "provider:{provider}:known_id",
        "provider:{provider}:low_balance", "provider:{provider}:order_currency", "provider:{provider}:orphans",
        "provider:{provider}:parked", "provider:{provider}:refill_doubt", "provider:{provider}:refill_untold",
        "provider:{provider}:refusal:{error_class}", "provider:{provider}:request_id",
        "provider:{provider}:request_id_test", "provider:{provider}:restored", "provider:{provider}:review",
        "provider:{provider}:sync", "provider:{provider}:unknown_state", "provider:{provider}:other_products",
        "provider:{provider}:unprovable",
        "provider:{provider}:{capability}", "queue:{queue}", "mail:fails", "mail:not_set_up",
        "topup:{topup}:decide", "topup:{topup}:unsure", "topup:{topup}:sent", "topup:{topup}:chargeback",
        "topup:{topup}:dispute", "topup:{topup}:surplus", "topup:{topup}:warning", "topup:{topup}:start",
        "topup:{topup}:stranger", "method:{method}:unreadable",
        "topup:{topup}:refund", "topup:{topup}:by_hand", "topup:{topup}:unanswered",
        "method:{method}:contradicts", "method:{method}:forged", "method:{method}:unknown",
        "mail:undelivered", "service:{service}:below_cost", "shop:audit", "shop:frozen",
        "ticket:{ticket}",
    }  # fmt: skip
