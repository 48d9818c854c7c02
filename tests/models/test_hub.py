"""The hub is reached as the environment says: through proxies, or not at all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localllm import errors
from localllm.models.hub import Hub
from localllm.models.sources import HubFile
from tests.models.hub import FakeHub

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
FILE = HubFile("owner", "repo", "model.gguf")


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    hub = FakeHub()
    hub.add("owner/repo/model.gguf", b"GGUF")
    yield hub
    hub.close()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*PROXIES, *(name.lower() for name in PROXIES)):
        monkeypatch.delenv(name, raising=False)


def test_a_proxy_is_asked_instead_of_the_hub(hub: FakeHub, monkeypatch: pytest.MonkeyPatch):
    """With the hub's whole address; the hub itself sees nothing."""
    proxy = FakeHub()
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    client = Hub({"HF_ENDPOINT": "http://hub.example.org", "HF_HOME": "/nonexistent"})
    with pytest.raises(errors.DownloadFailed):
        client.describe(FILE)
    assert proxy.requests[0][1] == "http://hub.example.org/owner/repo/resolve/main/model.gguf"
    client.close()
    proxy.close()


def test_what_needs_no_proxy_goes_past_it(hub: FakeHub, monkeypatch: pytest.MonkeyPatch):
    """NO_PROXY counts as for other programs."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    client = Hub(hub.environ)
    assert client.describe(FILE).size_bytes == 4
    client.close()


@pytest.mark.parametrize("address", ["nonsense://proxy", "http://proxy:port"])
def test_a_proxy_setting_that_means_nothing_is_told(address: str, monkeypatch: pytest.MonkeyPatch):
    """With the variables to look at, and without a traceback."""
    monkeypatch.setenv("HTTPS_PROXY", address)
    with pytest.raises(errors.DownloadFailed, match="HTTPS_PROXY, HTTP_PROXY and ALL_PROXY"):
        Hub({})


def test_a_socks_proxy_can_be_used(hub: FakeHub, monkeypatch: pytest.MonkeyPatch):
    """Nothing is missing for it; one that is not there is told as unreachable."""
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    client = Hub({"HF_ENDPOINT": "http://hub.example.org", "HF_HOME": "/nonexistent"})
    with pytest.raises(errors.DownloadFailed, match="cannot be reached"):
        client.describe(FILE)
    client.close()
