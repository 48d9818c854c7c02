"""The loop's body: schedule → run → postprocess. One call of step() is one batch. No thread and no pipe here."""

from __future__ import annotations

import time
from collections.abc import Callable

from localllm.engine import messages as m
from localllm.engine.checkpoints import Checkpoints
from localllm.engine.constraint import Constraint
from localllm.engine.output import Output
from localllm.engine.pace import Pace
from localllm.engine.plan import Plan
from localllm.engine.runner import Runner, Sampled
from localllm.engine.scheduler import Scheduler
from localllm.engine.sequence import Sequence, State

PROGRESS_EVERY_S = 0.5


class Core:
    """All sequences of one model, and what each has put out."""

    def __init__(
        self,
        scheduler: Scheduler,
        runner: Runner,
        pace: Pace,
        *,
        checkpoints: Checkpoints | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """checkpoints: for a memory that cannot be cut."""
        self.scheduler = scheduler
        self.pace = pace
        self._drafter = scheduler.drafter
        self._checkpoints = checkpoints
        self._prefills = scheduler.prefills
        self._next_step: float | None = 0.0  # when; None: when something happens
        self._runner = runner
        self._clock = clock
        self._outputs: dict[Sequence, Output] = {}
        self._next_progress = 0.0
        self.num_steps = 0
        self.num_requests = 0
        self.num_prompt_tokens = 0
        self.num_cached_tokens = 0
        self.num_completion_tokens = 0

    @property
    def has_work(self) -> bool:
        return self.scheduler.has_work

    def add(self, sequence: Sequence, output: Output, constraint: Constraint | None) -> None:
        """Queue a sequence whose prompt was checked."""
        self.hurry()
        self._outputs[sequence] = output
        self._runner.open(sequence, constraint)
        if self._checkpoints is not None and sequence.params.cache_prompt:
            self._checkpoints.restore_for(sequence)
            sequence.checkpoint_at = self._checkpoints.boundary(sequence.tokens.view())
        self.scheduler.add(sequence)
        self.num_requests += sequence.index == 0

    def cancel(self, request_id: int) -> bool:
        """End a request at once, in whatever state it is. False if it is not known."""
        self.hurry()
        ended = self.scheduler.cancel(request_id)
        for sequence in ended:
            self._forget(sequence)
        return bool(ended)

    def patience_s(self) -> float:
        """How long the next step may wait for more requests. Nothing waits for them once something runs.

        Requests that come together are read together: one step for all of them costs less than one for the first and
        then, beside its stream, many small ones for the rest.
        """
        if self.scheduler.running:
            return 0.0
        return self.pace.patience_s(self.scheduler.num_unread())

    def rest_s(self) -> float | None:
        """How long it is until the next step, or None: until something happens. Prompts are read meanwhile."""
        if self._prefills is None or not self._prefills.is_reading:
            return 0.0
        return None if self._next_step is None else max(0.0, self._next_step - self._clock())

    def hurry(self) -> None:
        """Something has happened that the next step should see."""
        self._next_step = 0.0

    def step(self) -> list[m.Delta]:
        """Compute one batch. Returns what it added, completion by completion."""
        if self._prefills is None:
            return self._step(self.scheduler.schedule(self._budget()))
        self._prefills.hold()
        began = self._clock()
        self._prefills.settle()
        plan = self.scheduler.schedule(self._budget(), apart_from=self.pace.apart_from)
        deltas = self._step(plan)
        for prefill in plan.prefills:
            self._prefills.start(prefill)
        now = self._clock()
        self._next_step = now + self.pace.rest_s(now - began) if plan.chunks else None
        self._prefills.go()
        return deltas

    def _budget(self) -> int:
        is_shared = self._prefills is not None and self._prefills.is_reading
        return self.pace.prefill_tokens(
            num_decoding=self.scheduler.num_decoding, share=0.5 if is_shared else 1.0
        )

    def _step(self, plan: Plan) -> list[m.Delta]:
        began = self._clock()
        for chunk in plan.chunks:
            self._outputs[chunk.sequence].started()
        for prefill in plan.prefills:
            self._outputs[prefill.sequence].started()
        self._runner.apply(plan.operations)
        if not plan.chunks:
            return self._progress(plan, began)
        started = self._clock()
        sampled = self._runner.run(plan.chunks)
        now = self._clock()
        self._learn(plan, sampled, computed_s=now - started, step_s=now - began)
        if self._checkpoints is not None:
            for chunk in plan.chunks:
                self._checkpoints.save_after(chunk)
        self.num_steps += 1
        return self._progress(plan, now) + [d for s in sampled if (d := self._postprocess(s)) is not None]

    def _learn(self, plan: Plan, sampled: list[Sampled], *, computed_s: float, step_s: float) -> None:
        """computed_s: the batch alone, which the pace goes by; step_s: with what guessing cost."""
        num_drafts = sum(len(chunk.drafts) for chunk in plan.chunks)
        if num_drafts == 0:
            self.pace.observe(plan.num_decoded, plan.num_prefilled, computed_s)
        if self._drafter is not None and len(sampled) == 1 and plan.num_prefilled == 0:
            self._drafter.observe(num_drafts, len(sampled[0].token_ids), step_s)

    def _postprocess(self, sampled: Sampled) -> m.Delta | None:
        """One sequence's new tokens: into its text, and on or out."""
        sequence = sampled.chunk.sequence
        output = self._outputs[sequence]
        logprobs = iter(sampled.logprobs)
        num_tokens = 0
        for token_id in [*sampled.token_ids, *sampled.forced]:
            sequence.tokens.append(token_id)
            num_tokens += 1
            output.push(token_id, next(logprobs, None))
            if output.finish is not None:
                break
        num_kept = min(num_tokens, len(sampled.token_ids))  # what was forced is not computed yet
        self.scheduler.keep(sampled.chunk, num_kept)
        if sampled.is_complete and output.finish is None:
            output.end()
        delta = output.take()
        if output.finish is not None:
            self._count(output.finish, sequence)
            self.scheduler.finish(sequence)
            self._forget(sequence)
        return delta

    def _progress(self, plan: Plan, now: float) -> list[m.Delta]:
        """How far long prompts have come, a few times a second."""
        if now < self._next_progress:
            return []
        read = [(c.sequence, c.start + c.count) for c in plan.chunks if not c.wants_logits]
        if self._prefills is not None:
            read += self._prefills.progress()
        if read:
            self._next_progress = now + PROGRESS_EVERY_S
        return [_progress_delta(s, count) for s, count in read if s.state is State.RUNNING]

    def _count(self, finish: m.Finish, sequence: Sequence) -> None:
        self.num_completion_tokens += finish.num_completion_tokens
        self.num_prompt_tokens += sequence.num_prompt_tokens
        self.num_cached_tokens += finish.num_cached_tokens

    def _forget(self, sequence: Sequence) -> None:
        self._outputs.pop(sequence, None)
        self._runner.close(sequence)


def _progress_delta(sequence: Sequence, num_read: int) -> m.Delta:
    done = min(num_read, sequence.num_prompt_tokens)
    return m.Delta(sequence.request_id, sequence.index, prefilled=(done, sequence.num_prompt_tokens))
