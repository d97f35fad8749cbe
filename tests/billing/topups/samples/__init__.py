"""Bodies as gateways send them, byte for byte, with the reading that is right. `calls.tsv` has the webhooks' calls."""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from billing.gateways.contract import Reading, ReadState

HERE = Path(__file__).parent
#: What all samples are about.
REFERENCE, PRICE = "5f0c2b7e9a414d1c8e630a7d2f9b4c11", Decimal(25)


@dataclass(frozen=True)
class Call:
    """One call of a webhook. ``reading`` is "forged", or what the gateway says when it is asked."""

    file: str
    what: str
    key: str
    signature: str
    reading: str
    folder: str

    @property
    def body(self) -> bytes:
        return body(self.folder, self.file)

    def __str__(self) -> str:
        return f"{self.file} ({self.what})"


def body(folder: str, file: str) -> bytes:
    return (HERE / folder / file).read_bytes()


def calls(folder: str) -> list[Call]:
    _head, *lines = (HERE / folder / "calls.tsv").read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in lines)
    return [Call(file, what, key, signature, reading, folder) for file, what, key, signature, reading in rows]


def summary(reading: Reading) -> str:
    """A reading in the words of the table: its state, or what came in and whether it went back."""
    if (reading.asked_amount, reading.asked_currency) != (PRICE, "USD"):
        return "held"  # by the core: it is not what was asked for
    received = sum((p.amount for p in reading.payments), Decimal(0))
    refunded = sum((p.refunded for p in reading.payments), Decimal(0))
    if reading.state not in (ReadState.PAID, ReadState.UNDERPAID) or not received:
        return str(reading.state)
    word = "refunded" if refunded else str(reading.state)
    return f"{word} {(refunded or received).normalize():f}"
