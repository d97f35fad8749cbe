"""Keys and passwords of one demo, made at its first start and kept for the next ones."""

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Credentials:
    """Random, because somebody may show a demo on a network after all."""

    secret_key: str
    sealing_key: str
    provider_key: str
    owner_password: str
    customer_password: str


def load_credentials(home: Path) -> Credentials:
    """Read the credentials kept in `home`; make those that are not there yet."""
    path = home / "secrets.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    fresh = Credentials(
        secret_key=secrets.token_urlsafe(60),
        sealing_key=secrets.token_urlsafe(60),
        provider_key=secrets.token_hex(16),
        owner_password=_readable(),
        customer_password=_readable(),
    )
    made = asdict(fresh) | kept
    if made != kept:
        unfinished = path.with_suffix(".new")
        unfinished.write_text(json.dumps(made))
        unfinished.rename(path)  # so that a start that is interrupted never leaves half a file
    return Credentials(**made)


def _readable() -> str:
    """Twelve letters in three groups, about 56 bits, without look-alikes."""
    letters = "abcdefghijkmnpqrstuvwxyz"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(3))
