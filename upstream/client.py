"""The provider's API, one method per action. Each returns a typed result or raises a typed failure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from upstream import read_account, read_refills
from upstream.dialect import Dialect
from upstream.exchange import Exchange
from upstream.ids import canonical_id
from upstream.messages import (
    AcceptedOrder,
    CancelOutcome,
    ProviderBalance,
    RecentOrder,
    Refilled,
    RefillItem,
    ServiceList,
    StatusItem,
)
from upstream.read_add import read_add
from upstream.read_cancel import read_cancel
from upstream.read_services import read_services
from upstream.read_status import StatusReader
from upstream.verdicts import not_sent
from upstream.wire import BODY_CAP, SERVICES_CAP, HttpCall, Permit, body_of, exchange

__all__ = ["Dialect", "ProviderClient"]

# A batch of 100 long items may be above the usual cap; a spoiled answer is still bounded.
_BATCH_CAP = 4 * BODY_CAP


class ProviderClient:
    """One account at one provider. Holds no connection and no state: safe to share between threads.

    `deadline` is the wall-clock limit of a call from name resolution to the last byte, in seconds. `on_exchange` is
    called with every exchange before the answer is read; what it raises reaches the caller. Commands (add, refill,
    cancel) raise NotSent, Refused or InDoubt; questions (services, status, refill_status, balance, recent_orders)
    raise Unavailable.
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
        self._statuses = StatusReader(self.dialect, currency)

    def __repr__(self) -> str:
        return f"ProviderClient({self.url!r})"

    def services(self) -> ServiceList:
        """Return the whole service list, each row accepted or quarantined."""
        return read_services(self._ask("services", {}, cap=SERVICES_CAP), self.dialect)

    def add(
        self,
        fields: Mapping[str, str],
        *,
        permit: Permit | None = None,
        request_id: str | None = None,
    ) -> AcceptedOrder:
        """Place one order. `fields` are sent as they are (service, link, quantity, ...), empty ones left out.

        `request_id` goes into the dialect's `request_id_field`, where it names one. `permit` is called once, connected
        and before the first byte; if it raises, nothing is sent and the failure is NotSent `permit` with the original
        as its cause.
        """
        return read_add(self._command("add", self._add_fields(fields, request_id), permit), self.dialect)

    def add_body(self, fields: Mapping[str, str], *, request_id: str | None = None) -> bytes:
        """Return the body that :meth:`add` sends for the same arguments, the key among its bytes."""
        return body_of(self._call("add", self._add_fields(fields, request_id), BODY_CAP))

    def _add_fields(self, fields: Mapping[str, str], request_id: str | None) -> dict[str, str]:
        renamed = {self.dialect.field_names.get(name, name): value for name, value in fields.items()}
        if request_id and self.dialect.request_id_field:
            renamed[self.dialect.request_id_field] = request_id
        return renamed

    def status(self, order_id: str) -> StatusItem:
        """Return the state of one order."""
        asked = _canonical(order_id)
        return self._statuses.one(self._ask("status", {"order": asked}), asked)

    def statuses(self, ids: Sequence[str]) -> dict[str, StatusItem]:
        """Return the state of up to `batch_size` orders, an item for every asked id."""
        asked = self._batch(ids)
        if not asked:
            return {}
        answer = self._ask("status", {"orders": ",".join(dict.fromkeys(asked.values()))}, cap=_BATCH_CAP)
        found = self._statuses.many(answer, list(asked.values()))
        return {given: found[canonical] for given, canonical in asked.items()}

    def refill(self, order_id: str, *, permit: Permit | None = None) -> Refilled:
        """Ask for one refill. Not idempotent: after InDoubt it must not be repeated without evidence."""
        asked = _canonical(order_id)
        return read_refills.read_refill(self._command("refill", {"order": asked}, permit), asked, self.dialect)

    def refill_status(self, refill_id: str) -> RefillItem:
        """Return the state of one refill."""
        asked = _canonical(refill_id)
        return read_refills.read_refill_status(self._ask("refill_status", {"refill": asked}), asked, self.dialect)

    def refill_statuses(self, ids: Sequence[str]) -> dict[str, RefillItem]:
        """Return the state of up to `batch_size` refills, an item for every asked id."""
        asked = self._batch(ids)
        if not asked:
            return {}
        answer = self._ask("refill_status", {"refills": ",".join(dict.fromkeys(asked.values()))}, cap=_BATCH_CAP)
        found = read_refills.read_refill_statuses(answer, list(asked.values()), self.dialect)
        return {given: found[canonical] for given, canonical in asked.items()}

    def cancel(self, order_ids: Sequence[str]) -> dict[str, CancelOutcome]:
        """Request cancellations. An order is canceled only when its status says so. A request may be repeated."""
        asked = self._batch(order_ids)
        if not asked:
            return {}
        canonical = list(dict.fromkeys(asked.values()))
        single = self.dialect.cancel_single and len(canonical) == 1
        fields = {"order": canonical[0]} if single else {"orders": ",".join(canonical)}
        found = read_cancel(self._command("cancel", fields, cap=_BATCH_CAP), canonical, self.dialect)
        return {given: found[order_id] for given, order_id in asked.items()}

    def balance(self) -> ProviderBalance:
        """Return the balance of our account."""
        return read_account.read_balance(self._ask("balance", {}), self.dialect)

    def recent_orders(self, limit: int = 100) -> list[RecentOrder]:
        """Return the unofficial list of recent orders: evidence for an order in doubt; an empty list proves nothing."""
        answer = self._ask("orders", {"limit": str(limit)}, cap=_BATCH_CAP)
        return read_account.read_recent_orders(answer, self.dialect)

    def _ask(self, action: str, fields: Mapping[str, str], *, cap: int = BODY_CAP) -> Exchange:
        return self._exchange(action, fields, None, cap)[0]

    def _command(
        self, action: str, fields: Mapping[str, str], permit: Permit | None = None, *, cap: int = BODY_CAP
    ) -> Exchange:
        record, cause = self._exchange(action, fields, permit, cap)
        if record.send_calls == 0:
            raise not_sent(record) from cause
        return record

    def _exchange(
        self, action: str, fields: Mapping[str, str], permit: Permit | None, cap: int
    ) -> tuple[Exchange, Exception | None]:
        record, cause = exchange(self._call(action, fields, cap), permit)
        if self._on_exchange is not None:
            self._on_exchange(record)
        return record, cause

    def _call(self, action: str, fields: Mapping[str, str], cap: int) -> HttpCall:
        return HttpCall(
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

    def _batch(self, ids: Sequence[str]) -> dict[str, str]:
        """Return the canonical form of each id. Raises ValueError for what is no id and for too many ids."""
        if len(ids) > self.dialect.batch_size:
            raise ValueError(f"At most {self.dialect.batch_size} ids fit in one call.")
        return {given: _canonical(given) for given in ids}


def _canonical(value: str) -> str:
    canonical = canonical_id(value)
    if canonical is None:
        raise ValueError(f"{value!r} is not a provider's id.")
    return canonical
