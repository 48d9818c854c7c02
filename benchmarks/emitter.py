"""A server that only emits: chat chunks at a fixed pace, each with the moment it was written as its text.

    python3 -m benchmarks.emitter PORT

`max_tokens` says how many, `seed` how many microseconds apart (0: as fast as they are taken). All streams of one server
can be given one beat (`top_k` 1), as the streams of an engine that computes them in one batch have. Asynchronous and
without any parsing that is not needed, so that it takes as little as possible of the cores that are measured.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
PAYLOAD = (
    b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,'
    b'"delta":{"content":"%d "},"logprobs":null,"finish_reason":null}]}\n\n'
)
LAST = b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"length"}]}\n\n'  # noqa: E501
END = b"data: [DONE]\n\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            request = json.loads(await reader.readexactly(length))
            await emit(writer, request["max_tokens"], request["seed"] / 1e6, request.get("top_k") == 1)
    except (OSError, asyncio.IncompleteReadError):
        writer.close()


async def emit(writer: asyncio.StreamWriter, num_tokens: int, interval_s: float, is_in_step: bool) -> None:
    """Write HEAD and the tokens. In step: on the beats of the clock that all streams share."""
    writer.write(HEAD)
    started = time.monotonic()
    for number in range(num_tokens):
        if interval_s and number:
            beat = (started // interval_s) * interval_s if is_in_step else started
            await asyncio.sleep(max(0.0, beat + number * interval_s - time.monotonic()))
        writer.write(chunk(PAYLOAD % time.monotonic_ns()))
        await writer.drain()
    writer.write(chunk(LAST) + chunk(END) + b"0\r\n\r\n")
    await writer.drain()


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]), backlog=256)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
