"""Requests that ask for files and addresses which are none of their business: refused, and nothing is fetched."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from localllm.cli import add, rm
from tests.api.fakes import FakeModels
from tests.api.http import Client

OUTSIDE = (
    "../../etc/passwd",
    "/etc/passwd",
    "..\\..\\boot.ini",
    "a/../../b",
    "%2e%2e%2fetc%2fpasswd",
    "file:///etc/passwd",
)


class Canary:
    """A web server that counts who knocks; nobody should."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.num_knocks = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                self._socket.accept()[0].close()
            except OSError:
                return
            self.num_knocks += 1

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@pytest.fixture
def canary() -> Iterator[Canary]:
    canary = Canary()
    yield canary
    canary.close()


def urls(canary: Canary) -> list[str]:
    return [
        f"http://127.0.0.1:{canary.port}/cat.png",
        f"http://localhost:{canary.port}/redirect",
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:70/",
        "data:image/png;base64," + base64.b64encode(bytes(3_000_000)).decode(),
        "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>",
        "//127.0.0.1/x.png",
        "x" * 100_000,
        "",
    ]


def bodies(url: str) -> list[tuple[str, dict[str, Any]]]:
    """An image in each of the three APIs' ways."""
    text = {"type": "text", "text": "What is this?"}
    chat = [text, {"type": "image_url", "image_url": {"url": url}}]
    responses = [{"type": "input_text", "text": "What is this?"}, {"type": "input_image", "image_url": url}]
    messages = [text, {"type": "image", "source": {"type": "url", "url": url}}]
    return [
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": chat}]}),
        ("/v1/responses", {"input": [{"role": "user", "content": responses}]}),
        ("/v1/messages", {"max_tokens": 9, "messages": [{"role": "user", "content": messages}]}),
    ]


def test_no_image_address_is_ever_fetched(client: Client, canary: Canary):
    """No model sees images, so each is refused, wherever it points; and nobody is asked for it."""
    for url in urls(canary):
        for path, body in bodies(url):
            answer = client.post(path, {"model": "guide"} | body)
            assert answer.status == 400, (path, url[:60], answer.body[:300])
            assert b"image" in answer.body
    assert canary.num_knocks == 0


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_name_that_leads_outside_is_no_model(client: Client, models: FakeModels, name: str):
    """In a body, in a path and in a query: 4xx, and no file is read or deleted."""
    before = sorted(models.pool.paths.data.rglob("*"))
    answers = [
        client.chat(model=name),
        client.get(f"/v1/models/{name}"),
        client.post("/models/load", {"model": name}),
        client.post("/models/unload", {"model": name}),
        client.post("/models", {"model": name}),
        client.request("DELETE", f"/models?model={name}"),
    ]
    for answer in answers:
        assert 400 <= answer.status < 500, answer
        assert b"root:" not in answer.body
    assert sorted(models.pool.paths.data.rglob("*")) == before


@pytest.mark.parametrize("name", ["../evil", "/evil", "a\\b", "a/../b", "", "a\nb", "x" * 300, "-rf", "a b"])
def test_add_takes_no_id_that_could_be_a_path_or_an_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_model_path: Path, name: str
):
    """An id becomes part of file names and URLs, so it is checked before anything is written."""
    monkeypatch.setenv("LOCALLLM_HOME", str(tmp_path))
    result = CliRunner().invoke(add.command, [str(tiny_model_path), f"--id={name}"])
    assert result.exit_code != 0
    assert f"id = {name!r}" not in (tmp_path / "models.toml").read_text(encoding="utf-8")
    result = CliRunner().invoke(rm.command, ["--", name])
    assert result.exit_code != 0
    assert [path.name for path in tmp_path.iterdir()] == ["models.toml"]
