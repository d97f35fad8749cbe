"""What a peer can do to one exchange. Names and meanings are those of the simulator's faults."""

from __future__ import annotations

import socket
import zlib

from tests.upstream.peers import Behaviour, Peer, answer, answers_with, reset

PLACED = b'{"order": 23501}'
_PAUSE = 0.05


def hang(peer: Peer, connection: socket.socket) -> None:
    """Stay silent until the client goes away."""
    connection.settimeout(5)
    while connection.recv(65536):
        pass


def close_on_accept(peer: Peer, connection: socket.socket) -> None:
    connection.close()


def rst_on_accept(peer: Peer, connection: socket.socket) -> None:
    reset(connection)


def never_read(peer: Peer, connection: socket.socket) -> None:
    peer.stopped.wait(5)


def timeout_after_accept(peer: Peer, connection: socket.socket) -> None:
    peer.read_request(connection)
    hang(peer, connection)


def close_no_answer(peer: Peer, connection: socket.socket) -> None:
    peer.read_request(connection)


def rst_no_answer(peer: Peer, connection: socket.socket) -> None:
    peer.read_request(connection)
    reset(connection)


def half_status(peer: Peer, connection: socket.socket) -> None:
    peer.read_request(connection)
    connection.sendall(b"HTTP/1.1 20")


def reset_mid_body(peer: Peer, connection: socket.socket) -> None:
    peer.read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + PLACED)
    reset(connection)


def short_body(peer: Peer, connection: socket.socket) -> None:
    peer.read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + PLACED)


def cut_chunks(peer: Peer, connection: socket.socket) -> None:
    peer.read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n" + PLACED + b"\r\n")


def drip(head: bytes, piece: bytes) -> Behaviour:
    """Send `head` at once and then `piece` again and again, each well within any read timeout."""

    def behave(peer: Peer, connection: socket.socket) -> None:
        peer.read_request(connection)
        connection.sendall(head)
        while not peer.stopped.wait(_PAUSE):
            connection.sendall(piece)

    return behave


def long_drip_after_answer(peer: Peer, connection: socket.socket) -> None:
    peer.read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + PLACED)
    while not peer.stopped.wait(_PAUSE):
        connection.sendall(b" ")


def headers_only(peer: Peer, connection: socket.socket) -> None:
    peer.read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n")
    hang(peer, connection)


def bomb() -> bytes:
    """64 MB of spaces around an order in a few kilobytes of gzip."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    piece = b" " * 1_048_576
    packed = b"".join(packer.compress(piece) for _ in range(64))
    return packed + packer.compress(PLACED) + packer.flush()


ANSWER_LOST: dict[str, Behaviour] = {
    "timeout_after_accept": timeout_after_accept,
    "close_no_answer": close_no_answer,
    "rst_no_answer": rst_no_answer,
    "half_status": half_status,
    "reset_mid_body": reset_mid_body,
    "short_body": short_body,
    "cut_chunks": cut_chunks,
    "headers_only": headers_only,
    "drip_status": drip(b"HTTP/1.1 ", b"2"),
    "drip_headers": drip(b"HTTP/1.1 200 OK\r\n", b"X-Slow: yes\r\n"),
    "drip_body": drip(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", b" "),
    "drip_body_without_length": drip(b"HTTP/1.1 200 OK\r\n\r\n", b" "),
    "drip_after_answer": long_drip_after_answer,
    "drip_chunks": drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "continue_forever": drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "big_body": answers_with(answer(PLACED + b" " * 1_000_000)),
    "gzip_bomb": answers_with(answer(bomb(), extra="Content-Encoding: gzip\r\n")),
    "unknown_coding": answers_with(answer(b"\x1f\x8bnothing", extra="Content-Encoding: gzip\r\n")),
    "header_1mb": answers_with(answer(PLACED, extra=f"X-Long: {'x' * 1_048_576}\r\n")),
    "headers_500": answers_with(answer(PLACED, extra="".join(f"X-{n}: y\r\n" for n in range(500)))),
    "two_lengths": answers_with(answer(PLACED, extra="Content-Length: 3\r\n")),
    "no_http": answers_with(b"220 smtp.example.com ready\r\n"),
}

EARLY: dict[str, Behaviour] = {
    "close_on_accept": close_on_accept,
    "rst_on_accept": rst_on_accept,
    "hang_on_accept": hang,
}


def redirects(target: str) -> dict[str, Behaviour]:
    """Redirects of each kind to the target, one that drips its body and one with a broken address."""
    plain = {
        f"r{status}": answers_with(answer(b"moved", status, "text/html", f"Location: {target}\r\n"))
        for status in (301, 302, 303, 307, 308)
    }
    head = f"HTTP/1.1 307 Moved\r\nContent-Length: 5000\r\nLocation: {target}\r\n\r\n".encode()
    bad = answers_with(answer(b"moved", 307, "text/html", "Location: http://[broken\r\n"))
    return {**plain, "r307_drip": drip(head, b" "), "r307_bad_location": bad}
