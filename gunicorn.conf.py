"""Settings for `gunicorn storefront.wsgi`. WEB_CONCURRENCY sets the number of processes, --bind or PORT the address."""

import os
from datetime import timedelta
from typing import Any

from gunicorn.glogging import Logger

NOT_LOGGED = ("/healthz", "/readyz", "/static/")


class AccessLog(Logger):
    """Says from where, who, what, how it ended, how long it took, and the id of the request.

    Leaves out health checks and static files, and hides the part of a path that works like a password.

    Builds the line itself, because gunicorn collects the values of all possible format fields on every request.
    """

    def access(self, resp: Any, _req: Any, environ: dict[str, Any], request_time: timedelta) -> None:
        from core.addresses import SENDER
        from core.logged_paths import shown_path
        from storefront.logs import ADDRESS

        # No query string: it may contain what a person typed.
        path = environ.get("PATH_INFO", "")
        if path.startswith(NOT_LOGGED):
            return
        request_id = next((value for name, value in resp.headers if name.lower() == "x-request-id"), "-")
        self.access_log.info(
            "%s %s %s %s %s in %d ms %s",
            environ.get(ADDRESS) or environ.get("REMOTE_ADDR") or "-",
            environ.get(SENDER, "-"),
            environ.get("REQUEST_METHOD", "-"),
            shown_path(path),
            str(resp.status)[:3],
            request_time / timedelta(milliseconds=1),
            request_id,
        )


def on_starting(_server: Any) -> None:
    """Read the settings before any worker does: gunicorn would restart a worker that stops over them for ever."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "storefront.settings")
    from storefront.no_mail import warn_without_mail

    warn_without_mail()


workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 8
# Longer than proxies (Caddy 120 s, nginx 60 s) and clients keep an idle connection: whoever closes first must not be
# us, or a request that is on its way meets a closed connection, and the answer to an order looks lost.
keepalive = 130
worker_class = "storefront.serving.StayingWorker"
timeout = 60
graceful_timeout = 30
# High enough that a busy shop does not start a new process every few seconds.
max_requests = 100_000
max_requests_jitter = 10_000
# It would put its socket in a home folder, which the container does not have.
control_socket_disable = True
# By default a client whose proxy runs on the same machine could send these as headers.
forwarder_headers = ""
logger_class = AccessLog
accesslog = "-"

_as_json = os.environ.get("LOG_FORMAT", "json") == "json"
_formatter = {"()": f"storefront.logs.{'JsonFormatter' if _as_json else 'TextFormatter'}"}
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
