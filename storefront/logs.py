"""Log lines: JSON objects with the id of the request, or text. What clients send can neither end nor hide a line."""

import json
import logging
import re
from datetime import UTC, datetime

from core.request_id import request_id

#: The key in a WSGI environ under which the client's address is kept for the access log.
ADDRESS = "shop.address"
#: Whatever ends a line somewhere, steers a terminal, or turns the direction of the text after it.
_STEERING = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def escaped(text: str) -> str:
    """Return ``text`` on one line, with characters that steer a terminal written as \\u001b."""
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class TextFormatter(logging.Formatter):
    """Level, logger and message on one line; a traceback follows, indented, so that it never looks like such a line."""

    def format(self, record: logging.LogRecord) -> str:
        line = escaped(f"{record.levelname} {record.name}: {record.getMessage()}")
        if not record.exc_info:
            return line
        return "\n".join([line, *(f"  {escaped(part)}" for part in self.formatException(record.exc_info).splitlines())])


class JsonFormatter(logging.Formatter):
    """time, level, logger, message, request_id, and the traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id.get():
            entry["request_id"] = request_id.get()
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return escaped(json.dumps(entry, ensure_ascii=False, default=str))
