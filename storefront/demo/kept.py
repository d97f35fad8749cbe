"""What the demo makes once and keeps between runs, besides what its servers keep."""

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Kept:
    """Secrets of one demo. They are random because a demo may be shown on a network after all."""

    secret_key: str
    provider_key: str
    owner_password: str
    customer_password: str


def kept(home: Path) -> Kept:
    """The secrets in `home`, made at the first call."""
    path = home / "secrets.json"
    if path.exists():
        return Kept(**json.loads(path.read_text()))
    made = Kept(
        secret_key=secrets.token_urlsafe(60),
        provider_key=secrets.token_hex(16),
        owner_password=_readable(),
        customer_password=_readable(),
    )
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(asdict(made)))
    beside.rename(path)
    return made


def _readable() -> str:
    """Twelve letters in three groups, about 56 bits, without look-alikes."""
    letters = "abcdefghijkmnpqrstuvwxyz"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(3))
