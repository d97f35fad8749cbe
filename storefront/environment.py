"""Read settings from the environment; missing or invalid ones stop the start with one clear line each.

django-environ does the parsing. This adds bounds, and collects all complaints, so that an operator can fix them in one
go. No complaint holds a value: what stands in a wrong variable may be the secret of another.
"""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit
from zoneinfo import available_timezones

import environ
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

from core.secrets import is_too_short

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_QUOTED = re.compile(r"""(["']).*\1""", re.DOTALL)
#: Keys may be anything, and what they have sealed depends on every sign of them.
_AS_IT_IS = ("SECRET_KEY", "SECRET_KEY_FALLBACKS", "SEALING_KEY", "SEALING_KEY_FALLBACKS")
_LABEL = "[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = rf"(?:{_LABEL}\.)*{_LABEL}"
_V6 = r"\[[0-9A-Fa-f:.]{2,45}\]"
_HOST = re.compile(rf"\*|\.?{_NAME}|{_V6}")
_ORIGIN = re.compile(rf"https?://(?:(?:\*\.)?{_NAME}|{_V6})(?::[0-9]{{1,5}})?")
#: An address of the shop, for `Environment.text`.
SITE = rf"https?://(?:{_NAME}|{_V6})(?::[0-9]{{1,5}})?(/[^\s?#\"']*)?"


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

    def _given(self, name: str, default: object = None) -> str:
        """The variable as it was set. Not by django-environ: that reads ``$X`` as the name of another variable."""
        value: str | None = self.env.ENVIRON.get(name)
        if value is None:
            if default is None:
                raise ImproperlyConfigured(f"set {name}")
            return str(default)
        if name not in _AS_IT_IS and _QUOTED.fullmatch(value.strip()):
            raise ValueError("it is in quotes, which belong to a shell's files alone: leave them out")
        return value

    def _list(self, name: str, default: list[str] | None = None) -> list[str]:
        if name not in self.env.ENVIRON and default is not None:
            return default
        return [word for part in self._given(name).split(",") if (word := part.strip())]

    def complain(self, sentence: str) -> None:
        self.complaints.append(sentence)

    def required(self, name: str) -> str:
        def read() -> str:
            value = self._given(name)
            if not value.strip():
                raise ValueError("it is empty")
            return value

        return self._read(name, read, "")

    def key(self, name: str, *, is_optional: bool = False) -> str:
        """A secret long enough for 32 random bytes; the complaint about another never quotes it."""
        if is_optional and not self._given(name, "").strip():
            self.names.append(name)
            return ""
        value = self.required(name)
        if value and is_too_short(value):
            self.complain(f"{name} is too short for 32 random bytes. Make one with: openssl rand -base64 48")
        return value

    def text(self, name: str, default: str = "", *, like: str = "", what: str = "") -> str:
        """One line of text. If given, it must match the pattern ``like`` in full; ``what`` describes that pattern."""

        def read() -> str:
            value = self._given(name, default) or default
            if _CONTROL.search(value):
                raise ValueError("it contains a line break or another control character")
            if like and not re.fullmatch(like, value.strip()):
                raise ValueError(f"it is not {what}")
            return value

        return self._read(name, read, default)

    def emails(self, name: str) -> list[str]:
        def read() -> list[str]:
            found = self._list(name, [])
            for n, address in enumerate(found, start=1):
                try:
                    validate_email(address.replace("'", '"'))
                except ValidationError:
                    raise ValueError(f"its entry {n} is not an e-mail address") from None
            return found

        return self._read(name, read, [])

    def time_zone(self, name: str, default: str) -> str:
        def read() -> str:
            value = self._given(name, default)
            if value not in available_timezones():
                raise ValueError("it is not a time zone, such as Europe/Berlin")
            return value

        return self._read(name, read, default)

    def words(self, name: str) -> list[str]:
        return self._read(name, lambda: self._list(name, []), [])

    def hosts(self, name: str) -> list[str]:
        """Names of hosts as the header Host has them; a dot before one stands for all below it, * for any."""

        def read() -> list[str]:
            found = self._list(name)
            if not found:
                raise ValueError("it is empty")
            for n, host in enumerate(found, start=1):
                if not _HOST.fullmatch(host):
                    raise ValueError(
                        f"its entry {n} is not the name of a host, such as shop.example.com: "
                        "no scheme, port, path or quotes, and other letters than a to z as xn--"
                    )
            return found

        return self._read(name, read, [])

    def origins(self, name: str) -> list[str]:
        """Origins as browsers send them: a scheme and a host, and nothing behind."""

        def read() -> list[str]:
            found = self._list(name, [])
            for n, origin in enumerate(found, start=1):
                if not _ORIGIN.fullmatch(origin):
                    raise ValueError(
                        f"its entry {n} is not an origin, such as https://shop.example.com: "
                        "scheme and host, without a path, a slash at the end or quotes"
                    )
            return found

        return self._read(name, read, [])

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        def read() -> str:
            value = self._given(name, default)
            if value not in allowed:
                raise ValueError(f"it is not one of {', '.join(allowed)}")
            return value

        return self._read(name, read, default)

    def flag(self, name: str, default: bool) -> bool:
        def read() -> bool:
            value = self._given(name, "true" if default else "false").strip().lower()
            if value not in ("true", "false", "1", "0", "yes", "no", "on", "off"):
                raise ValueError("it is neither true nor false")
            return value in ("true", "1", "yes", "on")

        return self._read(name, read, default)

    def number(self, name: str, default: float, *, at_least: float, at_most: float = 1e9) -> float:
        return self._read(name, lambda: self._bounded(float, name, default, at_least, at_most), default)

    def whole(self, name: str, default: int, *, at_least: int, at_most: int = 10**9) -> int:
        return self._read(name, lambda: self._bounded(int, name, default, at_least, at_most), default)

    def _bounded[N: (int, float)](self, read: Callable[[str], N], name: str, default: N, low: N, high: N) -> N:
        try:
            value = read(self._given(name, default))
        except ValueError as problem:
            raise problem if "quotes" in str(problem) else ValueError("it is not a number") from None
        if not low <= value <= high:
            raise ValueError(f"it is not between {low} and {high}")
        return value

    def database(self, name: str, *, is_optional: bool = False) -> dict[str, Any]:
        """An entry of DATABASES from a postgres:// URL; an optional one that is not set is empty."""

        def read() -> dict[str, Any]:
            if is_optional and not self._given(name, "").strip():
                return {}
            value, form = self._given(name), "postgres://USER:PASSWORD@HOST:PORT/NAME"
            if _parts(value, form).scheme not in ("postgres", "postgresql", "pgsql"):
                raise ValueError("it must be a postgres:// URL")
            try:
                found: dict[str, Any] = self.env.db_url_config(value)
            except ValueError:
                # The original message could quote the password.
                raise ValueError(f"it is not of the form {form}") from None
            if not found.get("NAME"):
                raise ValueError("it does not name a database")
            return found

        return self._read(name, read, {})

    def mailer(self, name: str) -> dict[str, Any]:
        """A MAILERS entry from smtp://, smtp+tls://, smtp+ssl://, consolemail:// or filemail:///ABSOLUTE/FOLDER.

        Without the variable it is Django's dummy, which sends nothing.
        """
        return self._read(name, lambda: _mailer(self._given(name, "")), _mailer(""))

    def stop_if_wrong(self) -> None:
        """Exit with one line per complaint, so that nothing starts with half a configuration."""
        if self.complaints:
            lines = "\n".join(f"permille cannot start: {c}" for c in self.complaints)
            raise SystemExit(f"{lines}\nEvery setting is described in .env.example.")


def _parts(url: str, form: str) -> SplitResult:
    """The parts of a URL that may hold a password, or a ValueError that does not quote it, as Python's own do."""
    try:
        parts = urlsplit(url)
        is_well_formed = parts.port != 0
    except ValueError:
        is_well_formed = False
    if not is_well_formed or "@" in parts.path + parts.query + parts.fragment:
        raise ValueError(f"it is not of the form {form}; write / ? # @ : % in a password as %2F %3F %23 %40 %3A %25")
    return parts


def _mailer(url: str) -> dict[str, Any]:
    parts = _parts(url, "smtp+tls://USER:PASSWORD@HOST:PORT")
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
    form = "redis://:PASSWORD@HOST:PORT/NUMBER"
    parts = _parts(redis_url, form)
    if parts.scheme in ("redis", "rediss"):
        if not (parts.hostname and re.fullmatch(r"/?[0-9]*", parts.path)):
            raise ValueError(f"it is not of the form {form}")
        return redis_url
    if parts.scheme == "unix" and parts.path:
        db = parse_qs(parts.query).get("db", ["0"])[0]
        secret = f":{parts.password}@" if parts.password else ""
        return f"redis+socket://{secret}{parts.path}?virtual_host={db}"
    raise ValueError("it must be a redis://, rediss:// or unix:// URL")
