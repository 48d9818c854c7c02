"""LitServe with its OpenAISpec; the port is the first argument. Needs LitServe on the path, and nothing of ours."""

from __future__ import annotations

import importlib
import sys
import time
from typing import Any

WORDS = ("Hello", " from", " LitServe", ".")
litserve: Any = importlib.import_module("litserve")


class Words(litserve.LitAPI):  # type: ignore[misc]
    def setup(self, device: str) -> None:
        """There is no model."""

    def predict(self, prompt: Any) -> Any:
        for word in WORDS:
            time.sleep(0.01)
            yield word


if __name__ == "__main__":
    server = litserve.LitServer(Words(spec=litserve.OpenAISpec()), accelerator="cpu", timeout=False)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning")
