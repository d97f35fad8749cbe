"""Say it loudly when a part of the shop starts that cannot send mail."""

import sys

from django.conf import settings


def warn_without_mail() -> None:
    """Write one line to stderr if customers would get no mail. Call it once, where a process starts."""
    if not settings.MAIL_IS_SET_UP:
        print(
            "permille: WARNING: EMAIL_URL names no mail server. No customer gets mail, nobody can sign up, and the "
            "shop cannot be opened. Set it (see .env.example), restart, then run: manage.py send_test_mail ADDRESS",
            file=sys.stderr,
            flush=True,
        )
