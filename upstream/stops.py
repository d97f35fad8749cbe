"""Our own reasons to end an exchange."""


class WireStop(Exception):
    """Raised by our connection classes. Deliberately no OSError: urllib3 swallows some of those while sending."""

    def __init__(self, reason: str, text: str = "") -> None:
        self.reason = reason
        super().__init__(text or reason)
