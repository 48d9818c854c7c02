"""`check_stream.py FILE`: does a recorded `curl -i` of a streamed chat completion keep the contract of a stream?"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def check(recorded: bytes) -> None:
    """Header, framing, and the end. Raises AssertionError with what is wrong."""
    head, _, body = recorded.partition(b"\r\n\r\n")
    status, *headers = head.decode("ascii").splitlines()
    assert status.split()[1] == "200", f"the status is {status!r}"
    types = [
        value.strip()
        for name, _, value in (line.partition(":") for line in headers)
        if name.lower() == "content-type"
    ]
    assert types == ["text/event-stream; charset=utf-8"], f"the content type is {types}"
    assert body.endswith(b"\n\n"), "the last frame does not end with a blank line"
    frames = [frame for frame in body.decode("utf-8").split("\n\n") if frame and not frame.startswith(":")]
    assert all(frame.startswith("data: ") and "\n" not in frame for frame in frames), (
        f"not all frames are data: {frames}"
    )
    assert frames[-1] == "data: [DONE]", f"the last frame is {frames[-1]!r}"
    chunks = [json.loads(frame.removeprefix("data: ")) for frame in frames[:-1]]
    text = "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])
    assert text.strip(), "the answer is empty"


if __name__ == "__main__":
    check(Path(sys.argv[1]).read_bytes())
    print("The stream keeps its contract.")
