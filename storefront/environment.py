"""Read settings from the environment; missing or invalid ones stop the start with one clear line each.

django-environ does the parsing. This adds bounds, and collects all complaints, so that an operator can fix them in one
go.
"""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import available_timezones

import environ
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

from core.secrets import why_weak

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Environment:
    """Typed environment variables. ``names`` lists all that were read."""

    def __init__(self) -> None:
        self.env = environ.Env()
        self.complaints: list[str] = []
        self.names: list[str] = []

    def _read[T](self, name: str, read: Callable[[], T], fallback: T) -> T:
        self.names.append(name)
        try:
            return read()
        except (ImproperlyConfigured, ValueError, TypeError, KeyError) as problem:
            missing = name not in self.env.ENVIRON
            self.complaints.append(f"{name} is missing" if missing else f"{name} is invalid: {problem or 'unreadable'}")
            return fallback

    def complain(self, sentence: str) -> None:
        self.complaints.append(sentence)

    def required(self, name: str) -> str:
        def read() -> str:
            value: str = self.env.str(name)
            if not value.strip():
                raise ValueError("it is empty")
            return value

        return self._read(name, read, "")

    def key(self, name: str, *, is_optional: bool = False) -> str:
        """A secret as good as 32 random bytes; the complaint about another never quotes it."""
        if is_optional and not str(self.env.str(name, default="")).strip():
            self.names.append(name)
            return ""
        value = self.required(name)
        if value and (why := why_weak(value)):
            self.complain(f"{name} is not 32 random bytes: {why}. Make one with: openssl rand -base64 48")
        return value

    def text(self, name: str, default: str = "", *, like: str = "", what: str = "") -> str:
        """One line of text. If given, it must match the pattern ``like`` in full; ``what`` describes that pattern."""

        def read() -> str:
            value = str(self.env.str(name, default=default)) or default
            if _CONTROL.search(value):
                raise ValueError("it contains a line break or another control character")
            if like and not re.fullmatch(like, value.strip()):
                raise ValueError(f"it is not {what}")
            return value

        return self._read(name, read, default)

    def emails(self, name: str) -> list[str]:
        def read() -> list[str]:
            found = [w.strip() for w in self.env.list(name, default=[]) if w.strip()]
            for address in found:
                try:
                    validate_email(address)
                except ValidationError:
                    raise ValueError(f"{address!r} is not an e-mail address") from None
            return found

        return self._read(name, read, [])

    def time_zone(self, name: str, default: str) -> str:
        def read() -> str:
            value = str(self.env.str(name, default=default))
            if value not in available_timezones():
                raise ValueError(f"{value!r} is not a time zone")
            return value

        return self._read(name, read, default)

    def words(self, name: str, default: list[str] | None = None) -> list[str]:
        read = lambda: [w.strip() for w in self.env.list(name, default=default or []) if w.strip()]  # noqa: E731
        return self._read(name, read, default or [])

    def required_words(self, name: str) -> list[str]:
        def read() -> list[str]:
            found = [w.strip() for w in self.env.list(name) if w.strip()]
            if not found:
                raise ValueError("it is empty")
            return found

        return self._read(name, read, [])

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        def read() -> str:
            value = str(self.env.str(name, default=default))
            if value not in allowed:
                raise ValueError(f"{value!r} is not one of {', '.join(allowed)}")
            return value

        return self._read(name, read, default)

    def flag(self, name: str, default: bool) -> bool:
        def read() -> bool:
            value = str(self.env.str(name, default="true" if default else "false")).strip().lower()
            if value not in ("true", "false", "1", "0", "yes", "no", "on", "off"):
                raise ValueError(f"{value!r} is neither true nor false")
            return value in ("true", "1", "yes", "on")

        return self._read(name, read, default)

    def number(self, name: str, default: float, *, at_least: float, at_most: float = 1e9) -> float:
        return self._read(
            name, lambda: self._bounded(float(self.env.str(name, default=default)), at_least, at_most), default
        )

    def whole(self, name: str, default: int, *, at_least: int, at_most: int = 10**9) -> int:
        return self._read(
            name, lambda: self._bounded(int(self.env.str(name, default=default)), at_least, at_most), default
        )

    @staticmethod
    def _bounded[N: (int, float)](value: N, low: N, high: N) -> N:
        if not low <= value <= high:
            raise ValueError(f"{value} is not between {low} and {high}")
        return value

    def database(self, name: str, *, is_optional: bool = False) -> dict[str, Any]:
        """An entry of DATABASES from a postgres:// URL; an optional one that is not set is empty."""

        def read() -> dict[str, Any]:
            if is_optional and not str(self.env.str(name, default="")).strip():
                return {}
            value = str(self.env.str(name))
            if urlsplit(value).scheme not in ("postgres", "postgresql", "pgsql"):
                raise ValueError("it must be a postgres:// URL")
            try:
                found: dict[str, Any] = self.env.db(name)
            except ValueError:
                # The original message could quote the password.
                raise ValueError("it is not of the form postgres://USER:PASSWORD@HOST:PORT/NAME") from None
            if not found.get("NAME"):
                raise ValueError("it does not name a database")
            return found

        return self._read(name, read, {})

    def mailer(self, name: str) -> dict[str, Any]:
        """A MAILERS entry from smtp://, smtp+tls://, smtp+ssl://, consolemail:// or filemail:///ABSOLUTE/FOLDER.

        Without the variable it is Django's dummy, which sends nothing.
        """
        return self._read(name, lambda: _mailer(str(self.env.str(name, default=""))), _mailer(""))

    def stop_if_wrong(self) -> None:
        """Exit with one line per complaint, so that nothing starts with half a configuration."""
        if self.complaints:
            lines = "\n".join(f"permille cannot start: {c}" for c in self.complaints)
            raise SystemExit(f"{lines}\nEvery setting is described in .env.example.")


def _mailer(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    backends = "django.core.mail.backends"
    if not url.strip():
        return {"BACKEND": f"{backends}.dummy.EmailBackend"}
    if parts.scheme == "consolemail":
        return {"BACKEND": f"{backends}.console.EmailBackend"}
    if parts.scheme == "filemail":
        if not parts.path.startswith("/"):
            raise ValueError("filemail:// needs an absolute path, as in filemail:///var/mail/permille")
        return {"BACKEND": f"{backends}.filebased.EmailBackend", "OPTIONS": {"file_path": unquote(parts.path)}}
    if parts.scheme not in ("smtp", "smtp+tls", "smtp+ssl") or not parts.hostname:
        raise ValueError("use smtp://, smtp+tls://, smtp+ssl://, consolemail:// or filemail:///folder")
    options: dict[str, Any] = {
        "host": parts.hostname,
        "port": parts.port or {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465}[parts.scheme],
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "use_tls": parts.scheme == "smtp+tls",
        "use_ssl": parts.scheme == "smtp+ssl",
        "timeout": 10,
    }
    return {"BACKEND": f"{backends}.smtp.EmailBackend", "OPTIONS": options}


def celery_broker(redis_url: str) -> str:
    """The same Redis as Celery writes it: ``unix:///path?db=0`` becomes ``redis+socket:///path?virtual_host=0``."""
    parts = urlsplit(redis_url)
    if parts.scheme in ("redis", "rediss"):
        try:
            is_well_formed = parts.hostname and parts.port != 0 and re.fullmatch(r"/?[0-9]*", parts.path)
        except ValueError:  # from parts.port, when it is not a number below 65536
            is_well_formed = False
        if not is_well_formed:
            raise ValueError("it is not of the form redis://:PASSWORD@HOST:PORT/NUMBER")
        return redis_url
    if parts.scheme == "unix" and parts.path:
        db = parse_qs(parts.query).get("db", ["0"])[0]
        secret = f":{parts.password}@" if parts.password else ""
        return f"redis+socket://{secret}{parts.path}?virtual_host={db}"
    raise ValueError("it must be a redis://, rediss:// or unix:// URL")
