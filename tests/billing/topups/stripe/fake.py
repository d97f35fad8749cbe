"""Stripe's side on loopback: the calls that the shop makes, answered as Stripe documents them, and signed events.

Its signatures are made here, apart from the code under test; `test_samples` checks them with Stripe's library.
"""

import hashlib
import hmac
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

SECRET = "whsec_Fake4nQ8pLr2XcKd7mZb1H"
KEY = "sk_live_Fake51PermilleKeyOfTests"
TEST_KEY = "sk_test_Fake51PermilleKeyOfTests"


class Refusal(Exception):
    def __init__(self, status: int, body: bytes | None = None, **error: str) -> None:
        self.status, self.error, self.body = status, error, body


@dataclass
class FakeStripe:
    """``broken`` answers so many next calls with HTTP 500; ``silent`` closes the connection after doing them."""

    url: str = ""
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    intents: dict[str, dict[str, Any]] = field(default_factory=dict)
    refunds: list[dict[str, Any]] = field(default_factory=list)
    disputes: list[dict[str, Any]] = field(default_factory=list)
    keys: dict[str, tuple[str, Any]] = field(default_factory=dict)
    calls: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    broken: int = 0
    silent: int = 0
    raw: bytes | None = None
    page_size: int = 100
    #: Answers as an account would that shows sessions only: nothing is expanded, and nothing else is found.
    is_bare: bool = False
    #: How such an account refuses what it does not show.
    bare_status: int = 404
    bare_body: bytes | None = None
    #: Shows charges by their ids alone.
    has_short_charges: bool = False

    def reset(self) -> None:
        for kept in (self.sessions, self.intents, self.refunds, self.disputes, self.keys, self.calls):
            kept.clear()
        self.broken = self.silent = 0
        self.page_size = 100
        self.is_bare = self.has_short_charges = False
        self.bare_status, self.bare_body = 404, None
        self.raw = None

    # What customers and banks do

    def pay(self, session_id: str, share: str = "1") -> None:
        from decimal import Decimal

        session = self.sessions[session_id]
        amount = int(session["amount_total"] * Decimal(share))
        intent = self._intent(session)
        intent |= {"status": "succeeded", "amount_received": amount}
        intent["latest_charge"] |= {"amount": amount, "paid": True, "status": "succeeded"}
        session |= {"status": "complete", "payment_status": "paid", "payment_intent": intent["id"], "url": None}

    def complete_unpaid(self, session_id: str) -> None:
        """The customer chose a bank debit, which takes days."""
        session = self.sessions[session_id]
        intent = self._intent(session)
        intent["status"] = "processing"
        session |= {"status": "complete", "payment_intent": intent["id"], "url": None}

    def fail(self, session_id: str) -> None:
        self.complete_unpaid(session_id)
        self._intent(self.sessions[session_id])["status"] = "requires_payment_method"

    def dispute(self, session_id: str, status: str = "needs_response", *moves: int) -> dict[str, Any]:
        """A dispute of the whole payment; ``moves`` are what it moved in the account so far."""
        intent = self._intent(self.sessions[session_id])
        intent["latest_charge"]["disputed"] = True
        dispute = {
            "id": f"du_{secrets.token_hex(8)}",
            "object": "dispute",
            "amount": intent["amount_received"],
            "balance_transactions": [{"amount": move, "currency": intent["currency"], "fee": 1500} for move in moves],
            "charge": intent["latest_charge"]["id"],
            "currency": intent["currency"],
            "livemode": intent["livemode"],
            "metadata": {},
            "payment_intent": intent["id"],
            "reason": "fraudulent",
            "status": status,
        }
        self.disputes.append(dispute)
        return dispute

    def refund(self, intent_id: str, amount: int, metadata: Any = None, status: str = "succeeded") -> dict[str, Any]:
        intent = self.intents[intent_id]
        charge = intent["latest_charge"]
        if not 0 < amount <= charge["amount"] - charge["amount_refunded"]:
            raise Refusal(400, type="invalid_request_error", code="charge_already_refunded", message="too much")
        refund = {
            "id": f"re_{secrets.token_hex(8)}",
            "object": "refund",
            "amount": amount,
            "charge": charge["id"],
            "currency": intent["currency"],
            "metadata": metadata or {},
            "payment_intent": intent_id,
            "status": status,
        }
        charge["amount_refunded"] += amount
        self.refunds.append(refund)
        return refund

    def fail_refund(self, refund_id: str) -> dict[str, Any]:
        refund = next(one for one in self.refunds if one["id"] == refund_id)
        refund["status"] = "failed"
        self.intents[refund["payment_intent"]]["latest_charge"]["amount_refunded"] -= refund["amount"]
        return refund

    def _intent(self, session: dict[str, Any]) -> dict[str, Any]:
        intent_id = f"pi_{session['id'][8:]}"
        if intent_id not in self.intents:
            self.intents[intent_id] = {
                "id": intent_id,
                "object": "payment_intent",
                "amount": session["amount_total"],
                "amount_received": 0,
                "currency": session["currency"],
                "livemode": session["livemode"],
                "metadata": dict(session["metadata"]),
                "status": "requires_payment_method",
                "latest_charge": {
                    "id": f"ch_{session['id'][8:]}",
                    "object": "charge",
                    "amount": session["amount_total"],
                    "amount_refunded": 0,
                    "billing_details": {"email": "card.holder@example.net"},
                    "disputed": False,
                    "paid": False,
                    "payment_method_details": {"card": {"last4": "4242", "brand": "visa"}},
                },
            }
        return self.intents[intent_id]

    # The API

    def answer(self, method: str, path: str, params: dict[str, Any], key: str, idempotency: str) -> Any:
        if key not in (KEY, TEST_KEY):
            raise Refusal(401, type="invalid_request_error", message="Invalid API Key provided")
        if method == "POST" and idempotency:
            asked = json.dumps([path, params], sort_keys=True)
            first = self.keys.get(idempotency)
            if first is not None and first[0] != asked:
                raise Refusal(400, type="idempotency_error", message="Keys for idempotent requests can only be used …")
            if first is None:
                first = self.keys[idempotency] = (asked, self._do(method, path, params, key))
            return first[1]
        return self._do(method, path, params, key)

    def _do(self, method: str, path: str, params: dict[str, Any], key: str) -> Any:
        parts = path.strip("/").split("/")[1:]
        if self.is_bare and method == "GET" and parts[0] != "checkout":
            raise Refusal(self.bare_status, self.bare_body, type="invalid_request_error", message="Unrecognized URL")
        match [method, *parts]:
            case ["POST", "checkout", "sessions"]:
                return self._create(params, key)
            case ["GET", "checkout", "sessions"]:
                return self._listed(params)
            case [_, "checkout", "sessions", session_id, *rest]:
                session = self._found(self.sessions, session_id)
                if rest == ["expire"]:
                    if session["status"] != "open":
                        raise Refusal(400, type="invalid_request_error", message="Only open sessions can be expired")
                    session |= {"status": "expired", "url": None}
                return self._expanded(session, [str(one) for one in _list(params.get("expand"))])
            case ["GET", "payment_intents", intent_id]:
                return self._found(self.intents, intent_id)
            case ["GET", "refunds" | "disputes" as kind]:
                rows: list[dict[str, Any]] = self.refunds if kind == "refunds" else self.disputes
                found = [row for row in rows if row["payment_intent"] == params.get("payment_intent")]
                return {"object": "list", "data": found, "has_more": False}
            case ["POST", "refunds"]:
                self._found(self.intents, params["payment_intent"])
                return self.refund(params["payment_intent"], int(params["amount"]), params.get("metadata"))
        raise Refusal(404, type="invalid_request_error", message="Unrecognized request URL")

    def _create(self, params: dict[str, Any], key: str) -> dict[str, Any]:
        item = params["line_items"]["0"]
        ahead = int(params["expires_at"]) - time.time()
        if not 30 * 60 <= ahead <= 24 * 3600:
            raise Refusal(400, type="invalid_request_error", message="expires_at", code="parameter_invalid")
        amount = int(item["price_data"]["unit_amount"]) * int(item["quantity"])
        if amount < 50:
            raise Refusal(400, type="invalid_request_error", message="too small", code="amount_too_small")
        is_live = key == KEY
        session_id = f"cs_{'live' if is_live else 'test'}_{secrets.token_hex(8)}"
        self.sessions[session_id] = {
            "id": session_id,
            "object": "checkout.session",
            "amount_total": amount,
            "client_reference_id": params.get("client_reference_id"),
            "created": int(time.time()),
            "currency": item["price_data"]["currency"],
            "customer_details": {"email": "card.holder@example.net"},
            "expires_at": int(params["expires_at"]),
            "livemode": is_live,
            "metadata": params.get("metadata") or {},
            "mode": params["mode"],
            "payment_intent": None,
            "payment_status": "unpaid",
            "status": "open",
            "success_url": params["success_url"],
            "url": f"https://checkout.stripe.com/c/pay/{session_id}",
        }
        return dict(self.sessions[session_id])

    def _listed(self, params: dict[str, Any]) -> dict[str, Any]:
        """Newest first, in pages."""
        since = int(params.get("created", {}).get("gte", 0))
        rows = [one for one in reversed(self.sessions.values()) if one["created"] >= since]
        rows = [one for one in rows if params.get("status") in (None, one["status"])]
        ids = [one["id"] for one in rows]
        start = ids.index(params["starting_after"]) + 1 if "starting_after" in params else 0
        end = start + min(int(params["limit"]), self.page_size)
        return {"object": "list", "data": rows[start:end], "has_more": end < len(rows)}

    def _expanded(self, session: dict[str, Any], expand: list[str]) -> dict[str, Any]:
        intent = self.intents.get(session["payment_intent"] or "")
        if self.is_bare or intent is None or not any(one.startswith("payment_intent") for one in expand):
            return session
        if self.has_short_charges:
            return {**session, "payment_intent": {**intent, "latest_charge": intent["latest_charge"]["id"]}}
        charge = dict(intent["latest_charge"])
        if any(one.endswith("latest_charge.refunds") for one in expand):
            found = [one for one in self.refunds if one["payment_intent"] == intent["id"]]
            charge["refunds"] = {"object": "list", "data": found, "has_more": False}
        return {**session, "payment_intent": {**intent, "latest_charge": charge}}

    def _found(self, rows: dict[str, dict[str, Any]], row_id: str) -> dict[str, Any]:
        if row_id not in rows:
            raise Refusal(404, type="invalid_request_error", code="resource_missing", message="No such object")
        return rows[row_id]


def event(kind: str, about: dict[str, Any], **changed: Any) -> bytes:
    """The body of an event about an object of Stripe's."""
    facts = {
        "id": f"evt_{secrets.token_hex(8)}",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": int(time.time()),
        "data": {"object": about},
        "livemode": about.get("livemode", True),
        "type": kind,
    }
    return json.dumps({**facts, **changed}, indent=2).encode()


def signature(body: bytes, at: int | None = None, secret: str = SECRET) -> str:
    """The header that Stripe signs a body with."""
    at = int(time.time()) if at is None else at
    return f"t={at},v1={hmac.new(secret.encode(), f'{at}.'.encode() + body, hashlib.sha256).hexdigest()}"


def _list(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else [value] if value else []


def _nested(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Fields such as ``a[b][0]=c`` as dictionaries."""
    found: dict[str, Any] = {}
    for n, (name, value) in enumerate(pairs):
        *outer, last = name.replace("[]", f"[{n}]").replace("]", "").split("[")
        inner = found
        for part in outer:
            inner = inner.setdefault(part, {})
        inner[last] = value
    return found


@cache
def running_fake() -> FakeStripe:
    """The fake of this process; its thread ends with it."""
    fake = FakeStripe()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            address = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            params = _nested(parse_qsl(address.query) + parse_qsl(body))
            fake.calls.append((self.command, address.path, params))
            key = self.headers.get("Authorization", "").removeprefix("Bearer ")
            status, raw = 200, fake.raw
            try:
                if fake.broken:
                    fake.broken -= 1
                    raise Refusal(500, type="api_error", message="sorry")
                found = fake.answer(self.command, address.path, params, key, self.headers.get("Idempotency-Key", ""))
            except Refusal as refusal:
                status, found, raw = refusal.status, {"error": refusal.error}, raw or refusal.body
            if fake.silent:
                fake.silent -= 1
                self.close_connection = True
                return
            sent = json.dumps(found).encode() if raw is None else raw
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.send_header("Request-Id", "req_Fake1")
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return fake
