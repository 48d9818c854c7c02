"""`localllm chat`: talk to a model in the terminal, without a server.

With a prompt (or piped text) one answer; otherwise a conversation. Ctrl-C stops the answer and not the program.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

import click
import msgspec

from localllm import errors, facts
from localllm.api import reply
from localllm.api.answers import AnyChatAnswer, chat_answer
from localllm.api.chat_core import Part
from localllm.api.chat_request import ChatRequest
from localllm.api.job import Admission, Services
from localllm.api.openai.chat import whole_body
from localllm.chat.deltas import Content, Reasoning
from localllm.chat.messages import normalise
from localllm.cli.output import print_json
from localllm.config import load_config
from localllm.models.catalog import Catalog
from localllm.models.pool import Pool
from localllm.paths import user_paths

Messages = list[dict[str, Any]]
EXIT_WORDS = frozenset({"/exit", "/quit", "/bye", "exit", "quit"})
INTERRUPTED = 130  # as shells have it


@click.command()
@click.argument("prompt", nargs=-1)
@click.option("--model", help="Id or alias of the model; the catalog's first one otherwise.")
@click.option("--system", help="A system message.")
@click.option("--max-tokens", type=int, help="Stop an answer after so many tokens.")
@click.option("--temperature", type=float, help="0 for the likeliest answer; more for more variety.")
@click.option("--json", "as_json", is_flag=True, help="Print one answer as OpenAI's JSON.")
def command(
    prompt: tuple[str, ...],
    model: str | None,
    system: str | None,
    max_tokens: int | None,
    temperature: float | None,
    as_json: bool,
) -> None:
    """Talk to a model. Without PROMPT: a conversation."""
    text = " ".join(prompt) or _piped_text()
    if as_json and not text:
        raise click.UsageError("--json needs a PROMPT.")
    _print_unknown_characters_as_question_marks()
    with _chat(model, system, {"max_tokens": max_tokens, "temperature": temperature}) as chat:
        if as_json:
            print_json(chat.whole(text))
        elif text:
            chat.say(text)
            sys.exit(INTERRUPTED if chat.was_interrupted else 0)
        else:
            _converse(chat)


@contextlib.contextmanager
def _chat(model: str | None, system: str | None, options: dict[str, Any]) -> Iterator[Chat]:
    paths = user_paths()
    config = load_config(paths, {"model": model})
    pool = Pool(Catalog(paths.catalog), paths, memory_limit_bytes=config.memory_limit_bytes or None)
    try:
        services = Services(pool, config, Admission(1))
        yield Chat(services, reply.model_name(None, services), system, options)
    finally:
        pool.close()


class Chat:
    """A conversation with one model, printed as it comes."""

    def __init__(self, services: Services, model: str, system: str | None, options: dict[str, Any]) -> None:
        """options: fields of SamplingParams; None leaves the catalog's. Raises ModelNotFound."""
        self.model = model
        self.was_interrupted = False
        self._services = services
        self._messages: Messages = [{"role": "system", "content": system}] if system else []
        self._options = {name: value for name, value in options.items() if value is not None}
        services.pool.catalog.find(model)

    def whole(self, text: str) -> dict[str, Any]:
        """One answer as OpenAI's body."""
        answer = self._answer([*self._messages, {"role": "user", "content": text}])
        try:
            answer.prepare()
            return whole_body(answer)
        finally:
            answer.cancel()

    def say(self, text: str) -> None:
        """Send a message and print the answer; both are remembered. Ctrl-C keeps what was said so far."""
        self.was_interrupted = False
        self._messages.append({"role": "user", "content": text})
        answer = self._answer(self._messages, is_streamed=True)
        printed = _Printer()
        try:
            _wait_loaded(answer)
            for event in answer.events():
                if isinstance(event, Part):
                    printed.take(event)
        except KeyboardInterrupt:
            self.was_interrupted = True
        finally:
            answer.cancel()
            printed.end(answer.timings(), was_stopped=self.was_interrupted)
        self._messages.append({"role": "assistant", "content": printed.content})

    def _answer(self, messages: Messages, *, is_streamed: bool = False) -> AnyChatAnswer:
        entry = self._services.pool.catalog.find(self.model)
        params = msgspec.structs.replace(entry.sampling, **self._options)
        request = ChatRequest(
            model=self.model,
            messages=normalise(messages),
            params=params,
            stream=is_streamed,
            given=dict(self._options),
        )
        return chat_answer(self._services, request, lambda: False)


class _Printer:
    """Prints an answer's pieces: text on stdout, thinking dimmed, figures on stderr."""

    def __init__(self) -> None:
        self.content = ""
        self._in_reasoning = False

    def take(self, part: Part) -> None:
        if isinstance(part.delta, Reasoning):
            self._in_reasoning = True
            click.secho(part.delta.text, dim=True, nl=False)
        elif isinstance(part.delta, Content):
            if self._in_reasoning:
                click.echo("\n")
                self._in_reasoning = False
            click.echo(part.delta.text, nl=False)
            self.content += part.delta.text
        sys.stdout.flush()

    def end(self, timings: dict[str, Any], *, was_stopped: bool) -> None:
        """timings: llama.cpp's; empty for an answer that was stopped, and where another server sends none."""
        click.echo()
        if sys.stderr.isatty():
            figures = timings.get("timings")
            rate = figures.get("predicted_per_second") if figures else None
            if isinstance(rate, int | float):
                click.secho(f"{rate:.1f} tokens/s", dim=True, err=True)
            elif was_stopped:
                click.secho("stopped", dim=True, err=True)


def _converse(chat: Chat) -> None:
    click.echo(f"You talk to {chat.model}. Ctrl-C stops an answer; Ctrl-D or /exit ends.")
    while True:
        try:
            text = input("\n> ").strip()
        except KeyboardInterrupt:
            click.echo("\nCtrl-D or /exit ends.")
            continue
        except EOFError:
            click.echo()
            return
        if text.lower() in EXIT_WORDS:
            return
        if text:
            try:
                chat.say(text)
            except errors.LocalllmError as e:
                click.echo(f"{facts.PRODUCT}: {e.message}", err=True)


def _wait_loaded(answer: AnyChatAnswer) -> None:
    """Wait for the model, and say how far it is where somebody is looking."""
    has_said = False
    while not answer.prepare(1.0):
        if sys.stderr.isatty():
            click.echo(f"\r{answer.loading_note().text} ", nl=False, err=True)
            has_said = True
    if has_said:
        click.echo("\r" + " " * 20 + "\r", nl=False, err=True)


def _piped_text() -> str:
    """What another program gives: `git diff | localllm chat`."""
    if sys.stdin is None or sys.stdin.isatty():
        return ""
    return sys.stdin.read().strip()


def _print_unknown_characters_as_question_marks() -> None:
    """A terminal that cannot show a character must not end the answer."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")
