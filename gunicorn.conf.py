"""How `gunicorn storefront.wsgi` serves. WEB_CONCURRENCY sets the number of processes, --bind or PORT the address."""

import os
import re
from datetime import timedelta
from typing import Any

from gunicorn.glogging import Logger

UNINTERESTING = ("/healthz", "/readyz", "/static/")


#: The part of a path that works like a password.
_SECRET = re.compile(r"/(key|confirm-email)/.+")


class AccessLog(Logger):
    """Says nothing of health checks and files, and hides what in a path works like a password.

    The line is put together here: gunicorn first collects everything that any format could ask for, on every request.
    """

    def access(self, resp: Any, _req: Any, environ: dict[str, Any], request_time: timedelta) -> None:
        # No query string: it may hold what a person typed.
        path = environ.get("PATH_INFO", "")
        if path.startswith(UNINTERESTING):
            return
        request_id = next((value for name, value in resp.headers if name.lower() == "x-request-id"), "-")
        self.access_log.info(
            "%s %s %s in %d ms %s",
            environ.get("REQUEST_METHOD", "-"),
            _SECRET.sub(r"/\1/...", path),
            str(resp.status)[:3],
            request_time / timedelta(milliseconds=1),
            request_id,
        )


def on_starting(_server: Any) -> None:
    """Read the settings before any process does that serves: one that stops over them is started anew for ever."""
    import storefront.settings  # noqa: F401


workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 8
worker_class = "storefront.serving.StayingWorker"
timeout = 60
graceful_timeout = 30
# Not so few that a shop with many orders starts a process every few seconds.
max_requests = 100_000
max_requests_jitter = 10_000
# Its socket would lie in a home folder that a container does not have.
control_socket_disable = True
logger_class = AccessLog
accesslog = "-"

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
