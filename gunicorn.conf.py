"""How `gunicorn storefront.wsgi` serves. WEB_CONCURRENCY sets the number of processes, --bind or PORT the address."""

import os
import re
from typing import Any

from gunicorn.glogging import Logger

UNINTERESTING = ("/healthz", "/readyz", "/static/")


class AccessLog(Logger):
    """Says nothing of health checks and files, and hides the part of a path that works like a password."""

    def access(self, resp: Any, req: Any, environ: dict[str, Any], request_time: Any) -> None:
        if not environ.get("PATH_INFO", "").startswith(UNINTERESTING):
            super().access(resp, req, environ, request_time)

    def atoms(self, resp: Any, req: Any, environ: dict[str, Any], request_time: Any) -> dict[str, Any]:
        found: dict[str, Any] = super().atoms(resp, req, environ, request_time)
        found["U"] = re.sub(r"/(key|confirm-email)/.+", r"/\1/...", found["U"])
        return found


workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 8
timeout = 60
graceful_timeout = 30
max_requests = 10_000
max_requests_jitter = 1_000
# Its socket would lie in a home folder that a container does not have.
control_socket_disable = True
logger_class = AccessLog
accesslog = "-"
# No query string: it may hold what a person typed.
access_log_format = "%(m)s %(U)s %(s)s in %(M)s ms %({x-request-id}o)s"

_as_json = os.environ.get("LOG_FORMAT", "json") == "json"
_formatter = {"()": "storefront.logs.JsonFormatter"} if _as_json else {"format": "%(levelname)s %(name)s: %(message)s"}
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": _formatter},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "gunicorn.error": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "gunicorn.access": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
    },
}
