"""Ports, folders, addresses and settings of one demo."""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from storefront.demo.credentials import Credentials
from storefront.demo.stopping import DemoProblem
from storefront.embedded.services import Services

CLONE = Path(__file__).resolve().parent.parent.parent
OWNER = "owner@example.com"
CUSTOMER = "customer@example.com"


@dataclass(frozen=True)
class Plan:
    """`port` is the shop's; the simulated provider listens on the next one. `home` is the demo's own folder."""

    port: int
    home: Path
    credentials: Credentials

    @property
    def shop_url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def provider_port(self) -> int:
        return self.port + 1

    @property
    def provider_page(self) -> str:
        return f"http://127.0.0.1:{self.provider_port}/"

    @property
    def provider_url(self) -> str:
        return f"{self.provider_page}api/v2"

    @property
    def provider_options(self) -> list[str]:
        """The provider keeps a journal, so that after a restart it still knows the orders that the shop follows."""
        journal = self.home / "provider.journal"
        where = ["--port", str(self.provider_port), "--key", self.credentials.provider_key]
        return [*where, "--seconds", "20", "--journal", str(journal)]

    @property
    def mail_folder(self) -> Path:
        return self.home / "mail"

    @property
    def static_folder(self) -> Path:
        """Stays empty: without collected files the shop serves the source files."""
        return self.home / "static"

    def environment(self, services: Services) -> dict[str, str]:
        """The environment of every process of the demo. Timings set by the operator win, everything else is fixed."""
        quick = {"POLL_SECONDS": "5", "SWEEP_SECONDS": "3", "WORKER_CONCURRENCY": "2"}
        fixed = {
            "DJANGO_SETTINGS_MODULE": "storefront.settings",
            "DATABASE_URL": services.database_url,
            "DATABASE_OWNER_URL": services.database_owner_url,
            "REDIS_URL": services.redis_url,
            "SECRET_KEY": self.credentials.secret_key,
            "SEALING_KEY": self.credentials.sealing_key,
            "ALLOWED_HOSTS": "localhost,127.0.0.1",
            "SHOP_URL": self.shop_url,
            "DEMO": "true",
            "DEBUG": "false",
            "HTTPS": "false",
            "ALLOW_PRIVATE_PROVIDER_HOSTS": "true",
            "EMAIL_URL": f"filemail://{quote(str(self.mail_folder))}",
            "OWNER_EMAILS": OWNER,
            "CONTACT_EMAIL": OWNER,
            "STATIC_ROOT": str(self.static_folder),
            "LOG_FORMAT": "text",
            "PYTHONUNBUFFERED": "1",
            # On a throw-away machine the demo runs as root; Celery would warn about it at each start.
            "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
            "DEMO_PROVIDER_URL": self.provider_url,
            "DEMO_PROVIDER_KEY": self.credentials.provider_key,
            "DEMO_OWNER_PASSWORD": self.credentials.owner_password,
            "DEMO_CUSTOMER_PASSWORD": self.credentials.customer_password,
        }
        # gunicorn reads PORT too, and would listen on all interfaces.
        inherited = {name: value for name, value in os.environ.items() if name != "PORT"}
        return quick | inherited | fixed


def requested_port() -> int:
    """The shop's port, from PORT (default 8000). Raises DemoProblem when PORT is not a port number."""
    port = os.environ.get("PORT") or "8000"
    if not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65534:
        raise DemoProblem(f"PORT={port} is not a port. Use a number from 1024 to 65534, as in: make demo PORT=8123")
    return int(port)


def demo_folder() -> Path:
    """The folder of all the demo's data: DEMO_FOLDER, or `.demo` in the clone."""
    return Path(os.environ.get("DEMO_FOLDER") or CLONE / ".demo").absolute()
