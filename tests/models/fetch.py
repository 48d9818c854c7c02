"""One download from the hub on this machine, and what can be seen of it."""

from __future__ import annotations

import threading
from pathlib import Path

from localllm.models.download import Download
from localllm.models.hub import Hub
from localllm.models.sources import HubFile
from tests.models.hub import FakeHub

NAME = "owner/repo/model.gguf"
SOURCE = HubFile("owner", "repo", "model.gguf")


class Fetch:
    """One download into a folder, with what it said about its progress and how long it waited between tries."""

    def __init__(self, hub: FakeHub, folder: Path, **environ: str) -> None:
        self.client = Hub(hub.environ | environ)
        self.path = folder / "models" / "model.gguf"
        self.told: list[int] = []
        self.waits: list[float] = []
        self.stop = threading.Event()

    def run(self) -> None:
        remote = self.client.describe(SOURCE)
        self.download = Download(
            self.client, remote, self.path, on_bytes=self.told.append, stop=self.stop, wait=self.waits.append
        )
        self.download.run()

    @property
    def left(self) -> list[str]:
        """The names of all files in the folder."""
        return sorted(p.name for p in self.path.parent.glob("*"))


def storage_requests(hub: FakeHub) -> list[dict[str, str]]:
    """The headers of all requests for the file's bytes, in order."""
    return [headers for method, path, headers in hub.requests if path == f"/{NAME}"]
