"""Reads long prompts with llama.cpp in contexts of their own, on one thread that stands still while the loop computes.

    start(prefill) → chunk by chunk, in turn → collect() → Portion, with the cells of the chunk as bytes

llama.cpp asks after every node of its graph whether to go on; the thread waits in there. So a step of the loop has all
cores after a node, however large the batch is that is being read, and nothing of it is lost. A context lasts as long as
its prompt is read, and is just as large as that. The thread lasts as long as there are prompts: while GNU's OpenMP has
more threads than there are cores it lets none of them spin, which makes every token slower.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

import psutil

from localllm.engine.plan import Prefill
from localllm.engine.prefills import Portion
from localllm.engine.runner import StateBytes
from localllm.engine.sequence import Sequence
from localllm.llama import library
from localllm.llama.batch import Batch
from localllm.llama.context import Context, Stopped

log = logging.getLogger(__name__)

CHUNK_S = 3.0  # of computing: of a few hundred nodes the longest takes some hundredths of a second then
ROWS = 512  # of a batch at most
TILE = 64  # rows: llama.cpp's flash attention on a CPU takes so many at once, and below that each by itself
READING, LEAVING = 0, 1  # sequences of a context: the prompt, and the chunk whose cells are being taken out
SCRATCH_BYTES = 256 << 20  # what a context takes beside its cells, about
SPARE = 2  # so many times what contexts take must be free memory

MakeContext = Callable[[int, Callable[[], bool]], Context]


class _Job:
    """One prompt with its context, once it has one."""

    def __init__(self, prefill: Prefill, prefix: StateBytes | None) -> None:
        self.sequence = prefill.sequence
        self.position = prefill.start
        self.end = prefill.start + prefill.count
        self.prefix = prefix
        self.context: Context | None = None
        self.is_given_up = False

    def close(self) -> None:
        context, self.context = (
            self.context,
            None,
        )  # it knows the job: both would wait for the garbage collector
        if context is not None:
            context.close()


class ContextPrefiller:
    """A `prefills.Prefiller` on a CPU. All methods belong to the loop.

    make_context(n_ctx, on_node): one for two sequences, like the loop's own in everything that its cells depend on.
    cell_bytes: of one token. on_change: called on the thread when a chunk has been read.
    """

    def __init__(self, make_context: MakeContext, cell_bytes: int, on_change: Callable[[], None]) -> None:
        self._make_context = make_context
        self._cell_bytes = cell_bytes
        self._on_change = on_change
        self._changed = threading.Condition()  # guards what both sides write
        self._waiting: list[_Job] = []  # for their turn
        self._current: _Job | None = None
        self._portions: list[Portion] = []
        self._is_open = True  # the loop's word: the thread may compute
        self._is_busy = False  # the thread's: it computes
        self._is_closing = False
        self._thread: threading.Thread | None = None
        self._batch = Batch(ROWS)
        self._held_s = 0.0
        self._token_s = 0.0

    # ── for the loop ────────────────────────────────────────────────────────────────────────────────────────

    def has_room(self, num_tokens: int) -> bool:
        with self._changed:
            jobs = [*self._waiting, *([self._current] if self._current is not None else [])]
            unmade = [job.end for job in jobs if job.context is None]
        needed = sum(count * self._cell_bytes + SCRATCH_BYTES for count in [num_tokens, *unmade])
        return psutil.virtual_memory().available >= SPARE * needed

    def start(self, prefill: Prefill, prefix: StateBytes | None) -> None:
        with self._changed:
            self._waiting.append(_Job(prefill, prefix))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="prefill", daemon=True)
                self._thread.start()

    def collect(self) -> list[Portion]:
        with self._changed:
            portions, self._portions = self._portions, []
        return portions

    def stop(self, sequence: Sequence) -> list[Portion]:
        with self._changed:
            for job in [job for job in self._waiting if job.sequence is sequence]:
                self._waiting.remove(job)  # nobody computes in its context
                job.close()
            job_now = self._current
            if job_now is not None and job_now.sequence is sequence:
                job_now.is_given_up = True
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._current is not job_now)
            stopped = [p for p in self._portions if p.sequence is sequence]
            self._portions = [p for p in self._portions if p.sequence is not sequence]
        return stopped

    def hold(self) -> None:
        self._is_open = False  # the thread sees it after the node that it computes
        with self._changed:
            self._changed.wait_for(lambda: not self._is_busy)

    def go(self) -> None:
        with self._changed:
            self._is_open = True
            self._changed.notify_all()

    def close(self) -> None:
        """Give everything up."""
        with self._changed:
            self._is_closing = True
            if self._current is not None:
                self._current.is_given_up = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join()
        for job in self._waiting:
            job.close()

    # ── on the thread ───────────────────────────────────────────────────────────────────────────────────────

    def _run(self) -> None:
        with library.only_errors():
            while True:
                while (job := self._next()) is not None:
                    self._take_turn(job)
                library.give_memory_back()
                with self._changed:
                    if self._is_closing or not self._waiting:
                        self._thread = None
                        return

    def _next(self) -> _Job | None:
        with self._changed:
            self._current = self._waiting.pop(0) if self._waiting and not self._is_closing else None
            return self._current

    def _take_turn(self, job: _Job) -> None:
        """Read a chunk of one prompt; then it is the next one's turn."""
        try:
            portion = self._read(job)
        except Exception:  # whatever it was: who waits must be told, and the prompt is read in steps
            log.exception("A prompt could not be read apart.")
            portion = Portion(job.sequence, 0, None, is_last=True)
        if portion is None or portion.is_last:
            job.close()
        with self._changed:
            self._current, self._is_busy = None, False
            if portion is not None:
                self._portions.append(portion)
            if job.context is not None:
                self._waiting.append(job)
            self._changed.notify_all()
        self._on_change()

    def _read(self, job: _Job) -> Portion | None:
        """The cells of the next chunk; None where the job was given up before it was computed."""
        context = job.context = job.context or self._open(job)
        start, count = job.position, self._num_rows(job.end - job.position)
        self._batch.clear()
        token_ids = job.sequence.tokens.view(start, start + count)
        self._batch.add(READING, token_ids, start, num_logits=0, count=count)
        try:
            self._compute(job, context)
        except Stopped:
            return None
        job.position += count
        context.copy_part(READING, LEAVING, start, start + count)
        state = context.save(LEAVING)
        context.cut(LEAVING, 0)
        return Portion(job.sequence, count, state, is_last=job.position == job.end)

    def _compute(self, job: _Job, context: Context) -> None:
        """The batch, as fast as the loop lets it. Raises Stopped where the job is given up."""
        self._wait_at_gate(job)
        if job.is_given_up:
            raise Stopped("It was given up before its turn.")
        began, self._held_s = time.monotonic(), 0.0
        context.decode(self._batch)
        self._token_s = (time.monotonic() - began - self._held_s) / self._batch.num_tokens
        with self._changed:
            self._is_busy = False
            self._changed.notify_all()

    def _wait_at_gate(self, job: _Job) -> None:
        """Stand still until the loop lets it go on, or there is no sense in waiting any more."""
        with self._changed:
            self._is_busy = False
            self._changed.notify_all()
            began = time.monotonic()
            self._changed.wait_for(lambda: self._is_open or job.is_given_up)
            self._held_s += time.monotonic() - began
            self._is_busy = True

    def _open(self, job: _Job) -> Context:
        """Its context with its prefix. Not as somebody who computes: for a long prompt that is much memory to clear."""

        def on_node() -> bool:
            if not self._is_open:  # no lock as long as it is
                self._wait_at_gate(job)
            return job.is_given_up

        job.context = context = self._make_context(job.end, on_node)
        if job.prefix is not None and not context.restore(READING, job.prefix):
            raise library.LlamaError("The prefix of a prompt could not be taken into a context of its own.")
        job.prefix = None
        return context

    def _num_rows(self, num_left: int) -> int:
        """As many as a chunk's time allows, in whole tiles; all that are left where that makes no other chunk."""
        rows = min(ROWS, int(CHUNK_S / self._token_s)) if self._token_s else TILE
        rows = max(TILE, rows - rows % TILE)
        return num_left if num_left <= min(ROWS, rows + TILE) else rows
