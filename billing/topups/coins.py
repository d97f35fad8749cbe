"""What a customer who pays with a coin has to send where: amount, address, memo, and a code that a phone reads."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import qrcode
from django.utils.safestring import SafeString, mark_safe
from qrcode.image.svg import SvgPathImage

from billing.models import TopUp
from core.templatetags.shop import duration_text

#: Coins whose wallets read an address and an amount from one link. For others a code holds the address alone:
#: a token on a network has no link that all wallets read alike.
_SCHEMES = {"btc": "bitcoin", "ltc": "litecoin", "bch": "bitcoincash", "doge": "dogecoin", "dash": "dash"}


@dataclass(frozen=True)
class CoinPayment:
    """A payment as its page shows it. ``link`` opens a wallet app, empty where no link has both address and amount."""

    code: str
    name: str
    amount: str
    address: str
    memo: str
    link: str
    minutes_left: int
    minutes: int

    @property
    def time_left(self) -> str:
        """How long the rate holds, in words."""
        return duration_text(timedelta(minutes=self.minutes_left)) if self.minutes_left else "0"

    @property
    def qr(self) -> SafeString:
        """The code as an SVG image that has no style and no script of its own."""
        image = qrcode.make(self.link or self.address, image_factory=SvgPathImage)
        return mark_safe(image.to_string().decode())  # noqa: S308 - made of squares, whatever the text is


def coin_payment(topup: TopUp, *, now: datetime) -> CoinPayment | None:
    """Return what to send for a top-up, None if its gateway did not say yet."""
    given = {str(name): str(value) for name, value in topup.instructions}
    if not given.get("address"):
        return None
    code, amount, address, memo = given["coin"], given["amount"], given["address"], given.get("memo", "")
    scheme = _SCHEMES.get(code, "")
    bare = address.removeprefix(f"{scheme}:")
    return CoinPayment(
        code=code,
        name=given["name"],
        amount=amount,
        address=address,
        memo=memo,
        link=f"{scheme}:{bare}?amount={amount}" if scheme and not memo else "",
        minutes_left=max(0, -(-int((topup.expires_at - now).total_seconds()) // 60)),
        minutes=max(1, int((topup.expires_at - topup.created_at).total_seconds()) // 60),
    )
