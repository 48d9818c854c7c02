"""LangChain's ChatOpenAI and OpenAIEmbeddings against the real server."""

from __future__ import annotations

import functools
import operator

import pytest
from langchain_core.messages import BaseMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import SecretStr

from localllm import facts
from tests.clients.guide import QUESTION, RESULT, is_about_the_result


@tool
def get_weather(city: str) -> str:
    """Get the weather"""
    assert city == "Bern"
    return RESULT


@tool
def send_email(address: str) -> str:
    """Send an email"""
    raise AssertionError(address)


@pytest.fixture(scope="module")
def model(guide_url):
    model = ChatOpenAI(
        model=facts.GUIDE,
        base_url=f"{guide_url}/v1",
        api_key=SecretStr("any"),
        temperature=0,
        stream_usage=True,
        max_retries=0,
    )
    yield model
    model.root_client.close()


def joined(chunks):
    """The whole message, as LangChain adds chunks up."""
    first, *others = chunks
    return functools.reduce(operator.add, others, first)


def test_a_text_whole_and_streamed(model):
    """The same text both ways, with its usage counted once."""
    whole = model.invoke("What is localllm?")
    streamed = joined(model.stream("What is localllm?"))
    assert "localllm" in whole.text
    assert streamed.text == whole.text
    assert streamed.usage_metadata["output_tokens"] == whole.usage_metadata["output_tokens"] > 0
    assert streamed.response_metadata["finish_reason"] == "stop"


def test_a_streamed_call_its_result_and_the_answer(model):
    """bind_tools, and the messages sent back as LangChain built them."""
    bound = model.bind_tools([send_email, get_weather])
    history: list[BaseMessage] = [HumanMessage(QUESTION)]
    chunks = list(bound.stream(history))
    call = joined(chunks)
    assert len([chunk for chunk in chunks if chunk.tool_call_chunks]) > 1
    assert call.invalid_tool_calls == []
    assert [(one["name"], one["args"]) for one in call.tool_calls] == [("get_weather", {"city": "Bern"})]

    result = get_weather.invoke(call.tool_calls[0])
    assert isinstance(result, ToolMessage)
    answer = joined(bound.stream([*history, call, result]))
    assert is_about_the_result(answer.text)


def test_embeddings(guide_url):
    """Vectors of texts; LangChain is told to send texts, not the token ids of OpenAI's vocabulary."""
    embeddings = OpenAIEmbeddings(
        model="embedder",
        base_url=f"{guide_url}/v1",
        api_key=SecretStr("any"),
        check_embedding_ctx_length=False,
    )
    one, other, again = embeddings.embed_documents(["The cat sleeps.", "Numbers are odd.", "The cat sleeps."])
    alone = embeddings.embed_query("The cat sleeps.")
    embeddings.client._client.close()
    assert one == pytest.approx(again, abs=1e-4)
    assert one == pytest.approx(alone, abs=1e-4)
    assert one != pytest.approx(other, abs=1e-4)
