"""`localllm chat`: one answer, a conversation, JSON, Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest
from click.testing import CliRunner

from localllm.cli import chat as chat_command
from tests.api.fakes import FakeModels, say

RUN = [sys.executable, "-c", "from localllm.cli import main; main()"]


@pytest.fixture
def environ(tmp_path, tiny_model_path):
    """A home with a tiny model whose text never ends by itself."""
    row = (
        f"[[model]]\nid = \"tiny\"\nsource = '{tiny_model_path}'\nn_ctx = 1024\nn_threads = 1\n"
        "sampling = { temperature = 0.0 }\n"
    )
    (tmp_path / "models.toml").write_text(row, encoding="utf-8")
    return os.environ | {"LOCALLLM_HOME": str(tmp_path), "PYTHONUNBUFFERED": "1"}


def run(environ, *words, text=None):
    return subprocess.run(
        [*RUN, "chat", *words],
        env=environ,
        input=text,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_prompt_is_answered_once(environ):
    """The words of the command line are the message; the text goes to stdout and ends in a line break."""
    done = run(environ, "Tell", "me", "--max-tokens", "6", text="")
    assert done.returncode == 0
    assert done.stdout.strip()
    assert done.stdout.endswith("\n")
    assert done.stderr == ""


def test_json_is_openais_body(environ):
    """For scripts; piped text is the prompt."""
    body = json.loads(run(environ, "--json", "--max-tokens", "6", text="Tell me").stdout)
    assert body["object"] == "chat.completion"
    assert body["usage"]["completion_tokens"] == 6


def test_a_mistyped_model_is_one_sentence(environ):
    """No traceback, status 1."""
    done = run(environ, "--model", "tinny", "Hi", text="")
    assert done.returncode == 1
    assert 'Did you mean "tiny"?' in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for one child on Windows")
def test_ctrl_c_stops_the_answer(environ):
    """A one-shot answer ends with what was said so far, and the status that shells know."""
    process = subprocess.Popen(
        [*RUN, "chat", "Tell me"],
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    said = process.stdout.read(20)
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=60)
    assert len(said) == 20
    assert rest.endswith(b"\n")
    assert process.returncode == 130
    assert b"Traceback" not in errors


@pytest.fixture
def conversation(tmp_path, monkeypatch):
    """Types these lines into a conversation with a fake model, and gives its engine and the output."""
    models = FakeModels(tmp_path)
    monkeypatch.setenv("LOCALLLM_HOME", str(tmp_path))
    monkeypatch.setattr(chat_command, "Pool", lambda catalog, paths, **limit: models.pool)
    monkeypatch.setattr(chat_command, "_piped_text", lambda: "")

    def talk(*lines: str, script=None):
        engine = models.engines["guide"]
        engine.script = script or say("Well", ", hello.")
        result = CliRunner().invoke(chat_command.command, input="".join(f"{line}\n" for line in lines))
        assert result.exception is None, result.output
        return engine, result.output

    return talk


def test_a_conversation_remembers(conversation):
    """The second question comes with the first one and its answer."""
    engine, output = conversation("Hello", "And now?", "/exit")
    assert output.count("Well, hello.") == 2
    prompt = str(engine.submits[1].prompt)
    assert prompt.index("Hello") < prompt.index("Well, hello.") < prompt.index("And now?")


def test_the_end_of_the_input_ends_a_conversation(conversation):
    """Ctrl-D, or a file that ends."""
    _, output = conversation("Hello")
    assert "Well, hello." in output


def test_ctrl_c_in_a_conversation_stops_the_answer_and_not_the_program(conversation):
    """What was said so far is remembered, and the next question is answered."""
    scripts = iter([["Wel", KeyboardInterrupt()], ["Fine."]])
    engine, output = conversation("Hello", "Go on", "/exit", script=lambda prompt, params: next(scripts))
    assert engine.streams[0].was_cancelled.is_set()
    assert "Fine." in output
    assert "Wel" in str(engine.submits[1].prompt)


def test_an_error_in_a_conversation_does_not_end_it(conversation):
    """The person reads it and may go on."""
    from localllm import errors

    scripts = iter([["Wel", errors.EngineDied("The engine ended.")], ["Fine."]])
    _, output = conversation("Hello", "Go on", "/exit", script=lambda prompt, params: next(scripts))
    assert "The engine ended." in output
    assert "Fine." in output


def test_thinking_is_shown_apart_and_not_remembered(conversation):
    """It is not part of the answer."""
    engine, output = conversation("Hello", "Go on", script=say("<think>", "hmm", "</think>", "Yes."))
    assert "hmm" in output
    assert "hmm" not in str(engine.submits[1].prompt)
