"""A small page for people: the same orders a shop shows, seen from the provider's side."""

from __future__ import annotations

from html import escape
from pathlib import Path

from upstream.simulator.core import Simulator
from upstream.simulator.orders import SimulatedOrder
from upstream.simulator.reply import HTML_TYPE, Reply, plain

SHOWN = 100
GUARDS = [
    ("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-store"),
]
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="refresh" content="5">
<title>Simulated provider</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<main>
<header>
<h1>Simulated provider</h1>
<p>This is the other side of the counter: a stand-in for the company that delivers. The shop buys here.</p>
</header>
<dl>
<div><dt>Balance of the shop</dt><dd>{balance} {currency}</dd></div>
<div><dt>Orders accepted</dt><dd>{orders}</dd></div>
<div><dt>Requests received</dt><dd>{requests}</dd></div>
<div><dt>Services on offer</dt><dd>{services}</dd></div>
</dl>
<section aria-labelledby="orders">
<h2 id="orders">Orders, newest first</h2>
{table}
</section>
<section aria-labelledby="faults">
<h2 id="faults">Faults played</h2>
{faults}
</section>
</main>
</body>
</html>
"""
TABLE = """<div class="scroll" tabindex="0" role="region" aria-labelledby="orders">
<table>
<thead><tr><th scope="col">Order</th><th scope="col">Service</th><th scope="col">Link</th>
<th scope="col" class="number">Quantity</th><th scope="col">State</th>
<th scope="col" class="number">Remains</th><th scope="col" class="number">Charge</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</div>"""


def human_page(sim: Simulator) -> Reply:
    """Return the page as of now. Links are shown as text and cannot be clicked: a stranger wrote them."""
    now = sim.now()
    sim.books.tick(now)
    newest = [order for _, order in zip(range(SHOWN), reversed(sim.books.orders.values()), strict=False)]
    rows = "\n".join(_row(sim, order, now) for order in newest)
    faults = [f"<li>{escape(name)}: {number:,}</li>" for name, number in sim.record.faults.most_common()]
    html = PAGE.format(
        balance=plain(sim.books.balance),
        currency=escape(sim.books.currency),
        orders=f"{len(sim.books.orders):,}",
        requests=f"{sim.record.actions.total():,}",
        services=f"{len(sim.catalog.services):,}",
        table=TABLE.format(rows=rows) if rows else "<p>No order has arrived yet.</p>",
        faults=f"<ul>{''.join(faults)}</ul>"
        if faults
        else "<p>None: every request has been answered as it should be.</p>",
    )
    return Reply(html.encode("utf-8", "replace"), content_type=HTML_TYPE, headers=list(GUARDS))


def _row(sim: Simulator, order: SimulatedOrder, now: float) -> str:
    service = sim.catalog.find(order.service)
    name = f"{order.service} {service.name}" if service else order.service
    state = order.status(now)
    cells = [
        f'<th scope="row">{escape(order.id)}</th>',
        f"<td>{escape(_shortened(name, 60))}</td>",
        f'<td class="link"><bdi>{escape(_shortened(order.link, 80))}</bdi></td>',
        f'<td class="number">{order.quantity:,}</td>',
        f'<td><span class="state {escape(state.lower().replace(" ", "-"))}">{escape(state)}</span></td>',
        f'<td class="number">{order.remains(now):,}</td>',
        f'<td class="number">{plain(order.charged(now))}</td>',
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def stylesheet() -> Reply:
    css = Path(__file__).with_name("page.css").read_bytes()
    return Reply(css, content_type="text/css; charset=UTF-8", headers=[("X-Content-Type-Options", "nosniff")])
