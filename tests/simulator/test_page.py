"""The page for people: the provider's side of the same orders, safe whatever a link contains."""

from tests.simulator.bare_client import exchange
from tests.simulator.fake_time import Clock, buy
from upstream.simulator import RunningSimulator, Simulator
from upstream.simulator.page import human_page


def test_a_newcomer_sees_the_orders_newest_first(sim: Simulator, clock: Clock) -> None:
    buy(sim, "https://example.com/old?fate=completed")
    clock.pass_by(100)
    buy(sim, "https://example.com/new")
    text = human_page(sim).body.decode()
    assert "<title>Simulated provider</title>" in text
    assert text.index(">23502<") < text.index(">23501<")
    assert "9998.2 USD" in text
    assert '<span class="state completed">Completed</span>' in text


def test_a_hostile_link_and_name_stay_text(sim: Simulator) -> None:
    buy(sim, '"><script>alert(1)</script>\u202e')
    text = human_page(sim).body.decode()
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert sim.key not in text


def test_the_page_allows_nothing_but_its_stylesheet(provider: RunningSimulator) -> None:
    page = exchange(provider.port, b"GET / HTTP/1.1\r\n\r\n")
    assert "Content-Security-Policy: default-src 'none'; style-src 'self'" in page.head
    assert b"style=" not in page.body
    sheet = exchange(provider.port, b"GET /style.css HTTP/1.1\r\n\r\n")
    assert (sheet.status, "text/css" in sheet.head, b"light-dark(" in sheet.body) == (200, True, True)


def test_it_says_when_it_is_healthy(provider: RunningSimulator) -> None:
    assert exchange(provider.port, b"GET /_sim/healthz HTTP/1.1\r\n\r\n").json == {"ok": True}
