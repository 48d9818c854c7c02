"""What test_litellm.py runs where LiteLLM is: a text whole and streamed, and vectors. Its argument is the address."""

from __future__ import annotations

import sys
from typing import Any

import litellm

MESSAGES = [{"role": "user", "content": "What is localllm?"}]


def main(url: str) -> None:
    options: dict[str, Any] = {"model": "openai/guide", "api_base": f"{url}/v1", "api_key": "any"}
    whole = litellm.completion(**options, messages=MESSAGES, temperature=0)
    text = whole.choices[0].message.content
    assert "localllm" in text, text
    assert whole.usage.completion_tokens > 0

    usage = {"stream_options": {"include_usage": True}}
    chunks = list(litellm.completion(**options, messages=MESSAGES, temperature=0, stream=True, **usage))
    streamed = litellm.stream_chunk_builder(chunks, messages=MESSAGES)
    assert streamed.choices[0].message.content == text
    assert streamed.usage.completion_tokens == whole.usage.completion_tokens

    options["model"] = "openai/embedder"
    assert len(litellm.embedding(**options, input=["a cat"]).data[0]["embedding"]) > 1
    print(text)


if __name__ == "__main__":
    main(sys.argv[1])
