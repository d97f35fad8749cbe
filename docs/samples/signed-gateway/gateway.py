"""A gateway of your own for the shop, with nothing but Python's standard library: one file, one process.

    REQUEST_KEY=… ANSWER_KEY=… WEBHOOK_URL=https://shop.example/pay/…/ DATA=/var/lib/gateway python gateway.py 8100

The start address is then /start and the status address /status; put a web server with https before it. Payments of the
mode "test" are paid by a button. Where it says YOUR WALLET, ask your bank or wallet what really came in.
"""

import hashlib
import hmac
import html
import json
import os
import re
import secrets
import sys
import time
import urllib.request
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl

REQUEST_KEY = os.environ["REQUEST_KEY"]  # signs what the shop sends
ANSWER_KEY = os.environ["ANSWER_KEY"]  # signs what this program answers and sends
WEBHOOK_URL = os.environ["WEBHOOK_URL"]
DATA = Path(os.environ["DATA"])
REFERENCE = re.compile(r"[0-9a-f]{32}")


def signature(key: str, at: str, text: bytes) -> str:
    return hmac.new(key.encode(), at.encode() + b"." + text, hashlib.sha256).hexdigest()


def is_genuine(at: str, v1: str, text: bytes, seconds: int) -> bool:
    """True if the shop signed the text, at most so many seconds ago."""
    is_signed = hmac.compare_digest(v1.encode(), signature(REQUEST_KEY, at, text).encode())
    return is_signed and -300 <= time.time() - int(at) <= seconds


def signed_header(body: bytes) -> str:
    at = str(int(time.time()))
    return f"t={at},v1={signature(ANSWER_KEY, at, body)}"


def load(reference: str) -> dict | None:
    path = DATA / f"{reference}.json"
    return json.loads(path.read_text()) if REFERENCE.fullmatch(reference) and path.exists() else None


def save(payment: dict) -> None:
    path = DATA / f"{payment['reference']}.json"
    new = path.with_suffix(f".{secrets.token_hex(4)}")
    new.write_text(json.dumps(payment))
    new.replace(path)


def tell_shop(payment: dict) -> None:
    """Say that something changed. The shop then asks by itself, so a call that is lost does no harm."""
    call = {"type": "changed", "id": secrets.token_hex(16), "reference": payment["reference"], "mode": payment["mode"]}
    body = json.dumps(call).encode()
    headers = {"Content-Type": "application/json", "X-Signature": signed_header(body)}
    try:
        urllib.request.urlopen(urllib.request.Request(WEBHOOK_URL, body, headers), timeout=10).close()
    except OSError as problem:
        print("the shop was not reached:", problem, file=sys.stderr)


class Gateway(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """/start: a customer comes by the link of the shop."""
        link = re.fullmatch(r"(.+)&t=([0-9]{1,12})&v1=([0-9a-f]{64})", self.path.partition("?")[2])
        if link is None or not is_genuine(link[2], link[3], link[1].encode(), 30 * 86400):
            return self.say(403, b"This link is not genuine.")
        asked = dict(parse_qsl(link[1]))
        payment = load(asked["reference"])
        if payment is None:
            # The first link decides what is asked for; a payment never changes after that.
            names = ("reference", "number", "amount", "currency", "mode", "expires", "return_url")
            payment = {name: asked[name] for name in names} | {"state": "pending", "payments": []}
            save(payment)
        if payment["state"] == "pending" and time.time() > int(payment["expires"]):
            return self.say(410, b"The time for this payment is over.")
        self.say(200, page(payment).encode())

    def do_POST(self) -> None:
        body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), 65536))
        if self.path == "/status":
            return self.status(body)
        [reference, *_others] = parse_qs(body.decode(errors="replace")).get("reference", [""])
        payment = load(reference)
        if payment is None:
            return self.say(404, b"No such payment.")
        # YOUR WALLET: find out here what came in, from your bank or wallet, never from what the customer sent.
        if payment["mode"] == "test" and payment["state"] == "pending":
            paid = {"id": f"{payment['reference']}-1", "amount": payment["amount"], "currency": payment["currency"]}
            payment |= {"state": "paid", "payments": [paid]}
            save(payment)
            tell_shop(payment)
        self.send_response(303)
        self.send_header("Location", payment["return_url"])
        self.send_header("Content-Length", "0")
        self.end_headers()

    def status(self, body: bytes) -> None:
        """/status: the shop asks what became of a payment."""
        header = re.fullmatch(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})", self.headers.get("X-Signature", ""))
        if header is None or not is_genuine(header[1], header[2], body, 300):
            return self.say(403, b"Not signed by the shop.")
        asked = json.loads(body)
        # Of a payment that nobody started there is nothing to say but that it is pending.
        known = load(asked["reference"]) or {**asked, "state": "pending", "payments": []}
        answer = {name: known[name] for name in ("reference", "amount", "currency", "mode", "state", "payments")}
        # To send money back, add "refunded" or "charged_back" to a payment: what went back of it in all.
        sent = json.dumps({"type": "status", "nonce": asked["nonce"], **answer}).encode()
        self.say(200, sent, {"Content-Type": "application/json", "X-Signature": signed_header(sent)})

    def say(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {"Content-Type": "text/html; charset=utf-8"}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """No log: the links are as good as tickets."""


def page(payment: dict) -> str:
    amount = f"{Decimal(payment['amount'])} {html.escape(payment['currency'])}"
    button = f"""<form method="post" action="/pay">
      <input type="hidden" name="reference" value="{html.escape(payment["reference"])}">
      <button>Pay {amount}</button></form>"""
    how = button if payment["mode"] == "test" else "<p>YOUR WALLET: say here where to send the money.</p>"
    return f"""<!doctype html>
      <html lang="en">
      <meta name="viewport" content="width=device-width">
      <link rel="icon" href="data:,">
      <title>Pay {html.escape(payment["number"])}</title>
      <h1>{html.escape(payment["number"])}: {amount}</h1>
      {how}"""


if __name__ == "__main__":
    DATA.mkdir(parents=True, exist_ok=True)
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Gateway).serve_forever()
