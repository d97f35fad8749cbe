"""The provider over https, and the ways in which a handshake fails."""

import ssl
from collections.abc import Iterator

import pytest

from tests.simulator.bare_client import exchange, request_bytes
from upstream.simulator import RunningSimulator, running_simulator

BALANCE = request_bytes({"key": "demo-key", "action": "balance"})


@pytest.fixture(scope="module")
def secure() -> Iterator[RunningSimulator]:
    with running_simulator(tls=True) as running:
        yield running


@pytest.fixture
def trusting(secure: RunningSimulator) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=secure.certificate)


def test_a_client_that_trusts_the_certificate_is_served(secure: RunningSimulator, trusting: ssl.SSLContext) -> None:
    assert secure.url.startswith("https://")
    assert exchange(secure.port, BALANCE, tls=trusting).json["currency"] == "USD"


@pytest.mark.parametrize(
    ("fault", "error", "patience"),
    [
        ("tls_bad_cert", ssl.SSLCertVerificationError, 10),
        ("tls_not_tls", ssl.SSLError, 10),
        ("tls_drip", TimeoutError, 0.4),
        ("rst_on_accept", ConnectionError, 10),
        ("close_on_accept", OSError, 10),
    ],
)
def test_no_request_is_read_after_a_failed_handshake(
    secure: RunningSimulator, trusting: ssl.SSLContext, fault: str, error: type[Exception], patience: float
) -> None:
    before = secure.record()["requests"]["total"]
    secure.control(script=[fault])
    with pytest.raises(error):
        exchange(secure.port, BALANCE, tls=trusting, patience=patience)
    record = secure.record()
    assert record["requests"]["total"] == before
    assert record["faults"][fault] == 1
    assert exchange(secure.port, BALANCE, tls=trusting).status == 200


def test_other_faults_work_over_https_too(secure: RunningSimulator, trusting: ssl.SSLContext) -> None:
    link = "https://example.com/?fault=short_body"
    fields = {"key": secure.key, "action": "add", "service": 1101, "quantity": 100, "link": link}
    seen = exchange(secure.port, request_bytes(fields), tls=trusting)
    assert seen.announced == len(seen.body) + 100
    fields["link"] = "https://example.com/?fault=rst_no_answer"
    assert exchange(secure.port, request_bytes(fields), tls=trusting).end == "rst"
    assert [order["fault"] for order in secure.orders()] == ["short_body", "rst_no_answer"]
