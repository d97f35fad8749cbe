"""Log lines whose text clients choose."""

import json
import logging
import sys

import pytest

from storefront.logs import JsonFormatter, TextFormatter

FORGED = "x\nINFO gunicorn.access: POST /forged 200\x1b[2K\x9b2K\u2028\u202ey\r"


def record(*, is_error: bool = False) -> logging.LogRecord:
    try:
        raise ValueError(FORGED)
    except ValueError:
        return logging.LogRecord("shop", logging.INFO, "", 1, "%s", (FORGED,), sys.exc_info() if is_error else None)


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
def test_a_message_is_one_line_that_steers_no_terminal(formatter: logging.Formatter) -> None:
    line = formatter.format(record())
    assert line.isprintable()
    assert "/forged" in line


def test_json_still_holds_the_whole_message() -> None:
    assert json.loads(JsonFormatter().format(record()))["message"] == FORGED


def test_no_line_of_a_traceback_looks_like_a_message() -> None:
    first, *others = TextFormatter().format(record(is_error=True)).split("\n")
    assert first.startswith("INFO shop: ")
    assert others[-1].lstrip().startswith("ValueError") or "forged" in "".join(others)
    assert all(line.startswith("  ") and line.isprintable() for line in others)
