"""Reads long prompts with llama.cpp in contexts of their own, on one thread that stands still while the loop computes.

    start(prefill) → chunk by chunk, fairly in turn → collect() → Prefilled, with the cells as bytes

llama.cpp asks after every node of its graph whether to go on; the thread waits in there. So a step of the loop has all
cores within a few hundredths of a second, however large the batch is that is being read, and nothing of it is lost.
A context lasts as long as its prompt is read, and is just as large as that. The thread lasts as long as there are
prompts: while OpenMP has more threads than there are cores it lets none of them spin, which makes every token slower.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

import psutil

from localllm.engine.gate import Gate
from localllm.engine.plan import Prefill
from localllm.engine.prefills import Prefilled
from localllm.engine.runner import StateBytes
from localllm.engine.sequence import Sequence
from localllm.llama import library
from localllm.llama.batch import Batch
from localllm.llama.context import Context, Stopped

CHUNK_S = 3.0  # of computing: of a few hundred nodes the longest takes some hundredths of a second then
ROWS = 512  # of a batch at most
TILE = 64  # rows: llama.cpp's flash attention on a CPU takes so many at once, and below that each by itself
SCRATCH_BYTES = 256 << 20  # what a context takes beside its cells, about
SPARE = 2  # so many times what a context takes must be free memory

MakeContext = Callable[[int, Callable[[], bool]], Context]


class _Job:
    """One prompt with its context, once it has one."""

    def __init__(self, prefill: Prefill, prefix: StateBytes | None) -> None:
        self.prefill = prefill
        self.prefix = prefix
        self.num_read = 0
        self.is_given_up = False
        self.context: Context | None = None
        self.ended = threading.Event()
        self.result = Prefilled(prefill.sequence, 0, None)


class ContextPrefiller:
    """A `prefills.Prefiller` on a CPU. All methods belong to the loop.

    make_context(n_ctx, on_node): one for a single sequence, like the loop's own in everything that its cells depend on.
    cell_bytes: of one token. on_change: called on the thread when a chunk has been read.
    """

    def __init__(self, make_context: MakeContext, cell_bytes: int, on_change: Callable[[], None]) -> None:
        self._make_context = make_context
        self._cell_bytes = cell_bytes
        self._on_change = on_change
        self._gate = Gate()
        self._lock = threading.Lock()
        self._jobs: deque[_Job] = deque()
        self._current: _Job | None = None
        self._ended: list[Prefilled] = []
        self._is_closing = False
        self._token_s = 0.0
        self._batch = Batch(ROWS)
        self._thread: threading.Thread | None = None

    # ── for the loop ────────────────────────────────────────────────────────────────────────────────────────

    def has_room(self, num_tokens: int) -> bool:
        needed = num_tokens * self._cell_bytes + SCRATCH_BYTES
        return psutil.virtual_memory().available >= SPARE * needed

    def start(self, prefill: Prefill, prefix: StateBytes | None) -> None:
        with self._lock:
            self._jobs.append(_Job(prefill, prefix))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="prefill", daemon=True)
                self._thread.start()

    def collect(self) -> list[Prefilled]:
        with self._lock:
            ended, self._ended = self._ended, []
        return ended

    def stop(self, sequence: Sequence) -> Prefilled:
        with self._lock:
            job = next((j for j in self._jobs if j.prefill.sequence is sequence), None)
            if job is None:
                result = next(r for r in self._ended if r.sequence is sequence)
                self._ended.remove(result)
                return result
            if job is not self._current:  # nobody computes in its context
                self._jobs.remove(job)
                return _close(job)
            job.is_given_up = True
        self._gate.wake()
        job.ended.wait()
        return job.result

    def progress(self) -> list[tuple[Sequence, int]]:
        with self._lock:
            return [(job.prefill.sequence, job.num_read) for job in self._jobs]

    def hold(self) -> None:
        self._gate.shut()

    def go(self) -> None:
        self._gate.open()

    def close(self) -> None:
        """Give everything up."""
        with self._lock:
            self._is_closing = True
            for job in self._jobs:
                job.is_given_up = True
            thread = self._thread
        self._gate.wake()
        if thread is not None:
            thread.join()
        for job in self._jobs:
            _close(job)

    # ── on the thread ───────────────────────────────────────────────────────────────────────────────────────

    def _run(self) -> None:
        with library.only_errors():
            self._read_all()
        library.give_memory_back()

    def _read_all(self) -> None:
        while (job := self._next()) is not None:
            self._gate.enter(lambda: job.is_given_up)
            try:
                has_ended = self._advance(job)
            except (library.LlamaError, MemoryError):  # the prompt is read in steps
                has_ended = True
            if has_ended:
                self._end(job)
            self._gate.leave()
            self._on_change()

    def _next(self) -> _Job | None:
        """Whose turn it is, each in turn. None where nothing is left to read."""
        with self._lock:
            self._current = None
            if self._is_closing or not self._jobs:
                self._thread = None
                return None
            self._jobs.rotate(-1)
            self._current = self._jobs[-1]
            return self._current

    def _advance(self, job: _Job) -> bool:
        """Read a chunk. True when that was the last one, or the job was given up."""
        if job.is_given_up:
            return True
        if job.context is None:
            job.context = self._open(job)
        prefill = job.prefill
        start = prefill.start + job.num_read
        count = self._num_rows(prefill.count - job.num_read)
        self._batch.clear()
        token_ids = prefill.sequence.tokens.view(start, start + count)
        self._batch.add(0, token_ids, start, num_logits=0, count=count)
        began, waited_s = time.monotonic(), self._gate.waited_s
        try:
            job.context.decode(self._batch)
        except Stopped:
            return True
        self._token_s = (time.monotonic() - began - (self._gate.waited_s - waited_s)) / count
        job.num_read += count
        return job.num_read == prefill.count

    def _open(self, job: _Job) -> Context:
        def on_node() -> bool:
            self._gate.pass_by(lambda: job.is_given_up)
            return job.is_given_up

        context = self._make_context(job.prefill.start + job.prefill.count, on_node)
        if job.prefix is not None and not context.restore(0, job.prefix):
            context.close()
            raise library.LlamaError("The prefix of a prompt could not be taken into a context of its own.")
        job.prefix = None
        return context

    def _num_rows(self, num_left: int) -> int:
        """As many as a chunk's time allows, in whole tiles; all that are left where that makes no other chunk."""
        rows = min(ROWS, int(CHUNK_S / self._token_s)) if self._token_s else TILE
        rows = max(TILE, rows - rows % TILE)
        return num_left if num_left <= min(ROWS, rows + TILE) else rows

    def _end(self, job: _Job) -> None:
        job.result = _close(job)
        with self._lock:
            self._jobs.remove(job)
            if not job.is_given_up:
                self._ended.append(job.result)
        job.ended.set()


def _close(job: _Job) -> Prefilled:
    """Take the cells that were computed out of the context, and close it."""
    sequence = job.prefill.sequence
    context, job.context = job.context, None  # it knows the job: both would wait for the garbage collector
    if context is None:
        return Prefilled(sequence, 0, None)
    try:
        if not job.num_read:
            return Prefilled(sequence, 0, None)
        context.forget_first(0, job.prefill.start)
        return Prefilled(sequence, job.num_read, context.save(0))
    except MemoryError:
        return Prefilled(sequence, 0, None)
    finally:
        context.close()
