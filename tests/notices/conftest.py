from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from tests.mail_server import MailServer, mail_server


@pytest.fixture
def server(settings: Settings) -> Iterator[MailServer]:
    """The mail server of the shop."""
    with mail_server() as started:
        settings.MAILERS = started.mailer
        yield started
