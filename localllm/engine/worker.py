"""The engine process: one loop that computes, and threads beside it that listen and prepare.

    listener thread   reads commands from the pipe; cancel and shutdown take effect at the next step
    two preparers     tokenize prompts, check the context, compile grammars, answer accepted or refused
    one writer        writes prefixes to disk, so that no request waits behind a write
    sender thread     sends what the others have to say (outbox.py)
    prefill thread    reads long prompts while the loop rests (prefiller.py)
    main thread       the loop: take what is prepared, compute a step, send what it produced

When the app is gone the pipe is closed, and the process ends. llama_cpp is imported in here and nowhere else.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from localllm.engine import messages as m
from localllm.engine.child_setup import let_others_first, settle_in
from localllm.engine.loading import unpack_load_params
from localllm.engine.outbox import Outbox
from localllm.errors import LocalllmError

if TYPE_CHECKING:
    from localllm.engine.disk_cache import Stored
    from localllm.engine.embedder import EmbedCall, Embedder
    from localllm.engine.model_host import ModelHost
    from localllm.engine.preparer import Prepared
    from localllm.engine.retention import Retention

Action = Callable[[], None]
Inbox = queue.SimpleQueue[Action]
MOST_COMPANY_S = 0.05  # that a first step waits for requests which keep coming
SAVE_AFTER_S = 0.25  # of doing nothing, before a kept prefix goes to disk


def main(connection: Connection, load_params: bytes) -> None:
    """Entry point of the child. Returns when the app asks for it or is gone."""
    params = unpack_load_params(load_params)
    settle_in(Path(params.log_path) if params.log_path is not None else None)
    let_others_first()
    outbox = Outbox(connection)
    preparers = ThreadPoolExecutor(2, thread_name_prefix="prepare")
    writer = ThreadPoolExecutor(1, thread_name_prefix="write")
    inbox: Inbox = queue.SimpleQueue()
    try:
        from localllm.engine.model_host import ModelHost

        host = ModelHost(
            params,
            writer.submit,
            wake=lambda: inbox.put(host.core.hurry),
            on_progress=lambda value: outbox.send(m.Loading(value)),
            on_lost_worker=lambda address: outbox.close(m.WorkerGone(address)),
        )
    except LocalllmError as error:
        outbox.close(m.LoadFailed(error.message, type(error).__name__, error.code))
        return
    outbox.send(m.Ready(host.info))
    _Worker(host, connection, outbox, preparers, inbox).run()
    outbox.close()
    writer.shutdown(wait=True)  # what was worth keeping is on disk when the process ends


class _Worker:
    """The loop and what feeds it."""

    def __init__(
        self,
        host: ModelHost,
        connection: Connection,
        outbox: Outbox,
        preparers: ThreadPoolExecutor,
        inbox: Inbox,
    ) -> None:
        self._host = host
        self._connection = connection
        self._outbox = outbox
        self._inbox = inbox
        self._preparers = preparers
        self._cancelled: set[int] = set()
        self._on_their_way: set[int] = set()  # requests that the preparers have
        self._is_closing = False

    def run(self) -> None:
        threading.Thread(target=self._listen, name="listen", daemon=True).start()
        core = self._host.core
        while not self._is_closing:
            self._take_actions()
            self._wait_for_company()
            if core.has_work:
                deltas = core.step()
                if deltas:
                    self._outbox.send(m.Step(deltas))
        self._host.close()
        self._preparers.shutdown(wait=True)

    def _take_actions(self) -> None:
        """Carry out everything that has arrived; wait for something where there is no work, or while the loop rests."""
        core = self._host.core
        if not core.has_work:
            self._wait_for_action()()
        while core.has_work and not self._is_closing and (rest_s := core.rest_s()) != 0:
            with contextlib.suppress(queue.Empty):
                self._inbox.get(timeout=rest_s)()
        with contextlib.suppress(queue.Empty):
            while True:
                self._inbox.get_nowait()()

    def _wait_for_company(self) -> None:
        """Before the first step: requests that are sent in the same moment are ready some milliseconds apart."""
        until = time.monotonic() + MOST_COMPANY_S
        while (patience_s := self._host.core.patience_s()) and time.monotonic() < until:
            try:
                self._inbox.get(timeout=patience_s)()
            except queue.Empty:
                if not self._on_their_way:
                    return

    def _wait_for_action(self) -> Action:
        """The next thing to do. Meanwhile kept prefixes go to disk, one by one."""
        retention = self._host.retention
        while retention is not None:
            try:
                return self._inbox.get(timeout=SAVE_AFTER_S)
            except queue.Empty:
                if not retention.save_one():
                    break
        return self._inbox.get()

    # ── the listener thread ─────────────────────────────────────────────────────────────────────────────────

    def _listen(self) -> None:
        try:
            while True:
                self._receive(m.unpack_command(self._connection.recv_bytes()))
        except (EOFError, OSError):
            os._exit(0)

    def _receive(self, command: m.Command) -> None:
        match command:
            case m.Submit():
                self._on_their_way.add(command.request_id)
                self._preparers.submit(self._prepare, command)
            case m.Cancel():
                self._inbox.put(lambda: self._cancel(command.request_id))
            case m.Shutdown():
                self._inbox.put(self._close)
            case m.Tokenize() | m.Detokenize():
                self._preparers.submit(self._answer, command)
            case m.Embed():
                self._preparers.submit(self._prepare_embed, command)
            case m.GetStats() | m.GetPrefixReport():
                self._inbox.put(lambda: self._answer(command))

    # ── the preparers ───────────────────────────────────────────────────────────────────────────────────────

    def _prepare(self, command: m.Submit) -> None:
        """Make sequences of a request, tell the app, and hand them to the loop."""
        try:
            prepared = self._host.prepare(command)
        except Exception as exception:  # noqa: BLE001 -- whoever waits must be told, whatever it was
            self._outbox.refuse(command.request_id, exception)
            self._inbox.put(lambda: self._forget(command.request_id))
            return
        self._outbox.send(m.Accepted(command.request_id, prepared[0].sequence.num_prompt_tokens))
        self._inbox.put(lambda: self._start(command.request_id, prepared))

    def _answer(self, command: m.Call) -> None:
        try:
            self._outbox.send(self._host.answer(command))
        except Exception as exception:  # noqa: BLE001 -- whoever waits must be told, whatever it was
            self._outbox.fail([command.call_id], exception)

    def _prepare_embed(self, command: m.Embed) -> None:
        """Tokenize what is to be embedded, and hand it to the loop."""
        try:
            call = self._host.embed_call(command)
        except Exception as exception:  # noqa: BLE001 -- whoever waits must be told, whatever it was
            self._outbox.fail([command.call_id], exception)
        else:
            self._inbox.put(lambda: self._add_embed(call))

    # ── in the loop ─────────────────────────────────────────────────────────────────────────────────────────

    def _forget(self, request_id: int) -> None:
        """It was refused."""
        self._cancelled.discard(request_id)
        self._on_their_way.discard(request_id)

    def _start(self, request_id: int, prepared: list[Prepared]) -> None:
        self._on_their_way.discard(request_id)
        retention = self._host.retention
        stored = retention.wanted(prepared[0].sequence) if retention is not None else None
        if retention is None or stored is None:
            self._add(request_id, prepared)
        else:
            self._preparers.submit(self._fetch, retention, stored, request_id, prepared)

    def _fetch(self, retention: Retention, stored: Stored, request_id: int, prepared: list[Prepared]) -> None:
        """Beside the loop: read a prefix from disk, then let the loop restore it and start."""
        state = retention.read(stored)

        def restore_and_add() -> None:
            if state is not None:
                retention.restore(stored, state)
            self._add(request_id, prepared)

        self._inbox.put(restore_and_add)

    def _add(self, request_id: int, prepared: list[Prepared]) -> None:
        if request_id in self._cancelled:  # the cancel overtook the preparation
            self._cancelled.discard(request_id)
            return
        for item in prepared:
            self._host.core.add(item.sequence, item.output, item.constraint)

    def _add_embed(self, call: EmbedCall) -> None:
        embedder = self._host.embedder
        assert embedder is not None, "embed_call refuses otherwise"
        if not embedder.has_work:
            self._inbox.put(lambda: self._embed_some(embedder))
        embedder.add(call)

    def _embed_some(self, embedder: Embedder) -> None:
        """One batch of all that waits; before the next one, what has arrived meanwhile gets its turn."""
        try:
            replies = embedder.step()
        except Exception as exception:  # noqa: BLE001 -- whoever waits must be told, whatever it was
            self._outbox.fail(embedder.give_up(), exception)
            return
        for reply in replies:
            self._outbox.send(reply)
        if embedder.has_work and not self._is_closing:
            self._inbox.put(lambda: self._embed_some(embedder))

    def _cancel(self, request_id: int) -> None:
        if not self._host.core.cancel(request_id):
            self._cancelled.add(request_id)

    def _close(self) -> None:
        self._is_closing = True
