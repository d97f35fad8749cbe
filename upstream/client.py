"""The provider's API, one method per action. Each returns a typed result or raises a typed failure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from upstream import read_account, read_refills
from upstream.dialect import Dialect
from upstream.exchange import Exchange
from upstream.ids import canonical_id
from upstream.messages import (
    Balance,
    CancelOutcome,
    Placed,
    RecentOrder,
    Refilled,
    RefillItem,
    RefillOutcome,
    ServiceList,
    StatusItem,
    Ticket,
)
from upstream.read_add import read_add
from upstream.read_cancel import read_cancel
from upstream.read_services import read_services
from upstream.read_status import Reader
from upstream.verdicts import not_sent
from upstream.wire import BODY_CAP, SERVICES_CAP, Call, Permit, exchange

__all__ = ["Dialect", "ProviderClient"]

# A batch of 100 long items may pass the usual cap; a spoiled answer is still bounded.
_BATCH_CAP = 4 * BODY_CAP


class ProviderClient:
    """One account at one provider. Holds no connection and no state: safe to share between threads.

    `deadline` is the wall-clock limit of a call from name resolution to the last byte, in seconds. `on_exchange`
    hears of every exchange before it is judged; what it raises reaches the caller, so it must be as safe as the
    store behind it. Deeds (add, refill, cancel, create_ticket) raise NotSent, Refused or InDoubt; questions
    (services, status, refill_status, balance, recent_orders) raise Unavailable.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        dialect: Dialect | None = None,
        currency: str = "USD",
        allow_private: bool = False,
        deadline: float = 30.0,
        connect_timeout: float = 5.0,
        user_agent: str = "permille",
        verify: bool | str = True,
        on_exchange: Callable[[Exchange], None] | None = None,
    ) -> None:
        self.url = url
        self.dialect = dialect or Dialect()
        self.currency = currency
        self._key = key
        self._allow_private = allow_private
        self._deadline = deadline
        self._connect_timeout = connect_timeout
        self._user_agent = user_agent
        self._verify = verify
        self._on_exchange = on_exchange
        self._statuses = Reader(self.dialect, currency)

    def __repr__(self) -> str:
        return f"ProviderClient({self.url!r})"

    def services(self) -> ServiceList:
        """The whole service list, each row accepted or quarantined."""
        return read_services(self._ask("services", {}, cap=SERVICES_CAP), self.dialect)

    def add(
        self,
        fields: Mapping[str, str],
        *,
        permit: Permit | None = None,
        is_known_id: Callable[[str], bool] = lambda _order_id: False,
        request_id: str | None = None,
    ) -> Placed:
        """Place one order. `fields` are sent as they are (service, link, quantity, ...), empty ones left out.

        `permit` is called once, connected and before the first byte; if it raises, nothing is sent and the failure
        is NotSent `permit` with the original as its cause. `is_known_id` tells whether an id is already ours.
        """
        renamed = {self.dialect.field_names.get(name, name): value for name, value in fields.items()}
        if request_id and self.dialect.request_id_field:
            renamed[self.dialect.request_id_field] = request_id
        return read_add(self._do("add", renamed, permit), self.dialect, is_known_id)

    def status(self, order_id: str) -> StatusItem:
        """The state of one order."""
        asked = _canonical(order_id)
        return self._statuses.one(self._ask("status", {"order": asked}), asked)

    def statuses(self, ids: Sequence[str]) -> dict[str, StatusItem]:
        """The state of up to `batch_size` orders; every asked id has an item in the answer."""
        asked = self._batch(ids)
        if not asked:
            return {}
        answer = self._ask("status", {"orders": ",".join(dict.fromkeys(asked.values()))}, cap=_BATCH_CAP)
        found = self._statuses.many(answer, list(asked.values()))
        return {given: found[canonical] for given, canonical in asked.items()}

    def refill(self, order_id: str, *, permit: Permit | None = None) -> Refilled:
        """Ask for one refill. Not idempotent: after InDoubt it must not be repeated without evidence."""
        asked = _canonical(order_id)
        return read_refills.read_refill(self._do("refill", {"order": asked}, permit), asked, self.dialect)

    def refills(self, order_ids: Sequence[str], *, permit: Permit | None = None) -> dict[str, RefillOutcome]:
        """Ask for several refills; an item that was not answered is in doubt."""
        asked = self._batch(order_ids)
        if not asked:
            return {}
        answer = self._do("refill", {"orders": ",".join(dict.fromkeys(asked.values()))}, permit, cap=_BATCH_CAP)
        found = read_refills.read_refills(answer, list(asked.values()), self.dialect)
        return {given: found[canonical] for given, canonical in asked.items()}

    def refill_status(self, refill_id: str) -> RefillItem:
        """The state of one refill."""
        asked = _canonical(refill_id)
        return read_refills.read_refill_status(self._ask("refill_status", {"refill": asked}), asked, self.dialect)

    def refill_statuses(self, ids: Sequence[str]) -> dict[str, RefillItem]:
        """The state of up to `batch_size` refills; every asked id has an item in the answer."""
        asked = self._batch(ids)
        if not asked:
            return {}
        answer = self._ask("refill_status", {"refills": ",".join(dict.fromkeys(asked.values()))}, cap=_BATCH_CAP)
        found = read_refills.read_refill_statuses(answer, list(asked.values()), self.dialect)
        return {given: found[canonical] for given, canonical in asked.items()}

    def cancel(self, order_ids: Sequence[str]) -> dict[str, CancelOutcome]:
        """Ask to cancel. A request only: the order is cancelled when its status says so. May be asked again."""
        asked = self._batch(order_ids)
        if not asked:
            return {}
        canonical = list(dict.fromkeys(asked.values()))
        single = self.dialect.cancel_single and len(canonical) == 1
        fields = {"order": canonical[0]} if single else {"orders": ",".join(canonical)}
        found = read_cancel(self._do("cancel", fields, cap=_BATCH_CAP), canonical, self.dialect)
        return {given: found[one] for given, one in asked.items()}

    def balance(self) -> Balance:
        """The balance of our account."""
        return read_account.read_balance(self._ask("balance", {}), self.dialect)

    def create_ticket(self, subject: str, message: str, priority: str = "normal") -> Ticket:
        """Open a ticket; priority is low, normal, high or urgent. Not idempotent."""
        fields = {"subject": subject, "message": message, "priority": priority}
        return read_account.read_ticket(self._do("createTicket", fields), self.dialect)

    def recent_orders(self, limit: int = 100) -> list[RecentOrder]:
        """The unofficial list of recent orders: evidence for an order in doubt, an empty list proves nothing."""
        answer = self._ask("orders", {"limit": str(limit)}, cap=_BATCH_CAP)
        return read_account.read_recent_orders(answer, self.dialect)

    def _ask(self, action: str, fields: Mapping[str, str], *, cap: int = BODY_CAP) -> Exchange:
        return self._exchange(action, fields, None, cap)[0]

    def _do(
        self, action: str, fields: Mapping[str, str], permit: Permit | None = None, *, cap: int = BODY_CAP
    ) -> Exchange:
        record, cause = self._exchange(action, fields, permit, cap)
        if record.send_calls == 0:
            raise not_sent(record) from cause
        return record

    def _exchange(
        self, action: str, fields: Mapping[str, str], permit: Permit | None, cap: int
    ) -> tuple[Exchange, Exception | None]:
        call = Call(
            url=self.url,
            action=action,
            fields={name: str(value) for name, value in fields.items() if str(value) != ""},
            key=self._key,
            encoding=self.dialect.body_encoding,
            deadline=self._deadline,
            connect_timeout=self._connect_timeout,
            cap=cap,
            allow_private=self._allow_private,
            verify=self._verify,
            user_agent=self._user_agent,
        )
        record, cause = exchange(call, permit)
        if self._on_exchange is not None:
            self._on_exchange(record)
        return record, cause

    def _batch(self, ids: Sequence[str]) -> dict[str, str]:
        """Asked id -> canonical id. Raises ValueError for what is no id and for more ids than a call may hold."""
        if len(ids) > self.dialect.batch_size:
            raise ValueError(f"At most {self.dialect.batch_size} ids fit in one call.")
        return {given: _canonical(given) for given in ids}


def _canonical(value: str) -> str:
    canonical = canonical_id(value)
    if canonical is None:
        raise ValueError(f"{value!r} is not a provider's id.")
    return canonical
