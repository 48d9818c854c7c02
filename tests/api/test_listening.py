"""Which addresses are listened on: the one that was asked for, and this computer's own beside it."""

from __future__ import annotations

import errno
from types import SimpleNamespace

import pytest

from localllm.api import server


def bound(monkeypatch: pytest.MonkeyPatch, host: str, *, taken: tuple[str, ...] = ()) -> list[str]:
    """The addresses that `bind` listens on, where those in `taken` belong to others."""
    addresses: list[str] = []

    def fake(address: str, port: int) -> SimpleNamespace:
        if address in (*taken, *addresses):
            raise OSError(errno.EADDRINUSE, "taken")
        assert port == 5757
        addresses.append(address)
        return SimpleNamespace(getsockname=lambda: (address, port))

    monkeypatch.setattr(server, "_bound", fake)
    server.bind(host, 5757)
    return addresses


@pytest.mark.parametrize(
    ("host", "addresses"),
    [
        ("127.0.0.1", ["127.0.0.1", "::1"]),
        ("localhost", ["127.0.0.1", "::1"]),
        ("::1", ["::1"]),
        ("172.17.0.1", ["172.17.0.1", "127.0.0.1", "::1"]),
        ("0.0.0.0", ["0.0.0.0"]),
        ("::", ["::"]),
    ],
)
def test_localhost_works_beside_the_address_that_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, host: str, addresses: list[str]
):
    """Whoever lets Docker in keeps the page and the programs that know localhost."""
    assert bound(monkeypatch, host) == addresses


def test_a_loopback_address_that_is_taken_is_left_out(monkeypatch: pytest.MonkeyPatch):
    """The address that was asked for is what counts."""
    assert bound(monkeypatch, "172.17.0.1", taken=("127.0.0.1",)) == ["172.17.0.1", "::1"]
    with pytest.raises(OSError, match="taken"):
        bound(monkeypatch, "172.17.0.1", taken=("172.17.0.1",))
