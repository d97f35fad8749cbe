"""Who talks to the mail server, and how an owner tries it out."""

import ast
import io
import subprocess
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from core.models import StaffAction
from notices import transport
from storefront.no_mail import warn_without_mail
from tests.mail_server import MailServer, nobody_listens

ROOT = Path(__file__).parents[2]
#: The one module that sends, and the one that makes the message.
SENDERS = {"notices/transport.py", "notices/outbox.py"}


def test_nothing_but_the_outbox_knows_how_to_send_mail() -> None:
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    found = set()
    for path in listed.stdout.split():
        if path.startswith("tests/"):
            continue
        for node in ast.walk(ast.parse((ROOT / path).read_text())):
            names = []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.Attribute) and node.attr in ("email_user", "mail_admins", "mail_managers"):
                names = ["smtplib"]
            if any(name == "smtplib" or name.startswith("django.core.mail") for name in names):
                found.add(path)
    assert found == SENDERS


def run(address: str = "owner@example.com") -> str:
    out = io.StringIO()
    call_command("send_test_mail", address, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_the_test_mail_prints_what_the_server_answered(server: MailServer) -> None:
    printed = run()
    assert f"smtp to 127.0.0.1:{server.port}" in printed
    assert "The server took the mail: 250 2.0.0 Ok: queued as 4711." in printed
    assert server.recipients == ["owner@example.com"]
    assert StaffAction.objects.get().action == "mail.test"


@pytest.mark.django_db
def test_the_test_mail_says_in_plain_words_what_is_wrong(server: MailServer, settings: Settings) -> None:
    server.refusals["owner@example.com"] = "550 5.1.1 no such user"
    with pytest.raises(CommandError, match=r"but not for owner@example.com: 550 5.1.1 no such user"):
        run()
    server.refusals["owner@example.com"] = "550 5.7.1 Relay access denied"
    with pytest.raises(CommandError, match=r"refuses us: 550 5.7.1 Relay access denied"):
        run()
    server.refusals["owner@example.com"] = "450 4.2.0 later"
    with pytest.raises(CommandError, match=r"did not take this mail: 450 4.2.0 later"):
        run()
    settings.MAILERS = nobody_listens()
    with pytest.raises(CommandError, match="is away or refuses us: .*Connection refused"):
        run()
    settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.dummy.EmailBackend"}}
    with pytest.raises(CommandError, match="EMAIL_URL is not set"):
        run()
    with pytest.raises(CommandError, match="is not an e-mail address"):
        run("owner")


def test_no_description_has_the_password(settings: Settings) -> None:
    options = {"host": "mail.example.com", "port": 587, "use_tls": True, "use_ssl": False, "password": "secret"}
    backend = "django.core.mail.backends.smtp.EmailBackend"
    settings.MAILERS = {"default": {"BACKEND": backend, "OPTIONS": options}}
    assert transport.describe() == "smtp+tls to mail.example.com:587"


def test_a_start_without_mail_says_so_in_one_line(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    warn_without_mail()
    assert capsys.readouterr().err == ""
    settings.MAIL_IS_SET_UP = False
    warn_without_mail()
    assert capsys.readouterr().err.count("\n") == 1
