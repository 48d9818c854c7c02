"""A loaded model with all that belongs to it: context, runner, scheduler, grammars. Makes sequences of requests.

`prepare` and `answer` (tokenize, detokenize) may be called from any thread; the rest belongs to the loop.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from localllm.engine import messages as m
from localllm.engine.checkpoints import Checkpoints
from localllm.engine.core import Core
from localllm.engine.disk_cache import DiskCache
from localllm.engine.draft_model import DraftModel
from localllm.engine.drafting import MAX_DRAFTS, Drafter
from localllm.engine.embedder import EmbedCall, Embedder, embedding_context
from localllm.engine.llama_runner import LlamaRunner
from localllm.engine.loading import LoadParams, ModelInfo
from localllm.engine.pace import Pace
from localllm.engine.prefiller import ROWS, ContextPrefiller
from localllm.engine.prefills import Prefills
from localllm.engine.prefix_cache import PrefixCache
from localllm.engine.preparer import Prepared, Preparer
from localllm.engine.retention import Retention, Write, fingerprint
from localllm.engine.rpc_link import WorkerLinks
from localllm.engine.scheduler import Scheduler
from localllm.engine.threads import chosen_threads, default_threads
from localllm.errors import Busy, InvalidRequest
from localllm.llama import library
from localllm.llama.batch import Batch
from localllm.llama.context import Context
from localllm.llama.model import Model

DEFAULT_N_CTX = 8192
MAX_WAITING = 256
MOST_SLOTS = 255  # llama.cpp has 256 sequences, and one is for cells on their way
KEPT_BESIDE_STREAMS = 128  # cells on a CPU; what is evicted comes back from disk in milliseconds


class ModelHost:
    """Owns the C objects of one model. Raises LlamaError when it cannot be loaded."""

    def __init__(
        self,
        params: LoadParams,
        write_later: Callable[[Write], object],
        wake: Callable[[], None] = lambda: None,
        on_progress: Callable[[float], None] | None = None,
        on_lost_worker: Callable[[str], None] = lambda address: None,
    ) -> None:
        self._workers = WorkerLinks(params.rpc, on_lost_worker) if params.rpc else None
        self._model = model = Model(
            Path(params.path),
            n_gpu_layers=params.n_gpu_layers,
            use_mmap=params.use_mmap,
            on_progress=on_progress,
        )
        self._draft_model: DraftModel | None = None
        n_threads = params.n_threads or default_threads()
        can_cut = not model.is_recurrent
        is_on_cpu = params.n_gpu_layers == 0 or not library.gpu_rows()
        num_slots = _num_slots(model, params)
        make_context = embedding_context if params.embedding else _chat_context
        self._context = make_context(model, params, n_threads)
        if self._workers is not None:
            self._workers.watch()
        elif params.n_threads is None and params.threads_file is not None and not params.embedding:
            n_threads = chosen_threads(Path(params.threads_file), model.size_bytes, self._decode_one)
            self._context.set_threads(n_threads)
        self.embedder = Embedder(model, self._context) if params.embedding else None
        cache = PrefixCache(num_slots, self._context.n_ctx, can_cut=can_cut, has_window=model.has_window)
        runner = LlamaRunner(model, self._context, params.n_batch, spare_seq_id=num_slots)
        may_read_apart = can_cut and is_on_cpu and _may_read_apart(model, params, self._context.n_ctx)
        self._prefiller = _prefiller(model, params, n_threads, wake) if may_read_apart else None
        prefills = Prefills(cache, runner, self._prefiller) if self._prefiller is not None else None
        scheduler = Scheduler(
            cache,
            max_running=params.n_parallel,
            max_waiting=MAX_WAITING,
            n_batch=params.n_batch,
            drafter=self._drafter(params, n_threads) if can_cut and params.speculate else None,
            prefills=prefills,
        )
        checkpoints = None if can_cut else Checkpoints(cache, runner, model.eog_tokens)
        self.core = Core(
            scheduler, runner, Pace(params.n_batch, apart_from=params.apart_from), checkpoints=checkpoints
        )
        self.retention = _retention(params, cache, runner, write_later)
        if self.retention is not None and can_cut and is_on_cpu:
            cache.kept_beside_streams = KEPT_BESIDE_STREAMS
        self._preparer = Preparer(model, self._context.n_ctx)
        self.info = self._describe(params, n_threads, can_cut=can_cut)

    def _decode_one(self, n_threads: int) -> None:
        """Compute one token with so many threads, and forget it."""
        self._context.set_threads(n_threads)
        batch = Batch(1)
        batch.add(0, [0], 0, num_logits=1, count=1)
        self._context.decode(batch)
        self._context.clear()

    def _drafter(self, params: LoadParams, n_threads: int) -> Drafter:
        if params.draft_path is None:
            return Drafter()
        self._draft_model = DraftModel(
            Path(params.draft_path),
            self._model,
            n_ctx=self._context.n_ctx,
            n_threads=n_threads,
            n_gpu_layers=0
            if params.rpc
            else params.n_gpu_layers,  # a guess is not worth a way over the network
        )
        return Drafter(self._draft_model.guess)

    def close(self) -> None:
        """Save what is worth it and free everything."""
        if self._workers is not None:
            self._workers.close()
        if self._prefiller is not None:
            self._prefiller.close()
        while self.retention is not None and self.retention.save_one():
            pass
        if self._draft_model is not None:
            self._draft_model.close()
        self._context.close()
        self._model.close()

    def _describe(self, params: LoadParams, n_threads: int, *, can_cut: bool) -> ModelInfo:
        model = self._model
        return ModelInfo(
            architecture=model.metadata("general.architecture") or "unknown",
            description=model.description,
            n_params=model.n_params,
            size_bytes=model.size_bytes,
            n_ctx=self._context.n_ctx,
            n_ctx_train=model.n_ctx_train,
            n_vocab=model.n_vocab,
            n_embd=model.n_embd,
            n_parallel=params.n_parallel,
            n_threads=n_threads,
            chat_template=model.chat_template,
            bos_token=self._token_text(model.bos),
            eos_token=self._token_text(model.eos),
            add_bos=model.adds_bos,
            has_fim=min(model.fim_tokens) >= 0,
            can_cut=can_cut,
            pooling=self._context.pooling,
            devices=library.devices(),
            build=library.build(),
            fim_tokens=model.fim_tokens if min(model.fim_tokens) >= 0 else (),
            pair_tokens=model.pair_tokens,
            rerank_template=model.rerank_template,
        )

    def _token_text(self, token_id: int) -> str:
        return (
            self._model.piece(token_id, special=True).decode("utf-8", errors="replace")
            if token_id >= 0
            else ""
        )

    # ── requests and calls ──────────────────────────────────────────────────────────────────────────────────

    def prepare(self, command: m.Submit) -> list[Prepared]:
        """The sequences of a request. Raises InvalidRequest, ContextLengthExceeded or Busy."""
        if self.embedder is not None:
            raise InvalidRequest(
                "This model makes embeddings and cannot generate text. Choose another one.", param="model"
            )
        if self.core.scheduler.is_full:
            raise Busy("Too many requests are waiting for this model. Try again in a moment.")
        return self._preparer.prepare(command)

    def answer(self, command: m.Call) -> m.Message:
        """Answer a call. Raises InvalidRequest."""
        match command:
            case m.Tokenize():
                ids = self._model.tokenize(
                    command.text, add_special=command.add_special, parse_special=command.parse_special
                )
                return m.Tokens(command.call_id, ids.tolist())
            case m.Detokenize():
                pieces = [
                    self._model.piece(t, special=True) for t in self._preparer.checked_ids(command.token_ids)
                ]
                text = b"".join(pieces).decode("utf-8", errors="replace")
                return m.Text(command.call_id, text, pieces)
            case m.GetStats():
                return m.Stats(command.call_id, self._stats())
            case m.GetPrefixReport():
                return m.PrefixReports(command.call_id, self.core.scheduler.admissions.report(self._text))

    def _text(self, token_ids: list[int]) -> str:
        pieces = (self._model.piece(token_id, special=True) for token_id in token_ids)
        return b"".join(pieces).decode("utf-8", errors="replace")

    def embed_call(self, command: m.Embed) -> EmbedCall:
        """The prompts of a call as token ids, to be added to the embedder. Raises InvalidRequest."""
        if self.embedder is None:
            raise InvalidRequest(
                'This model is loaded to write text. Set kind = "embedding" in its catalog entry to embed with it.',
                param="model",
            )
        prompts = [
            self._model.tokenize(p, add_special=True, parse_special=False)
            if isinstance(p, str)
            else self._preparer.checked_ids(p)
            for p in command.prompts
        ]
        self.embedder.check(prompts)
        return EmbedCall(command.call_id, prompts)

    def _stats(self) -> m.EngineStats:
        core, scheduler = self.core, self.core.scheduler
        return m.EngineStats(
            num_running=len(scheduler.running),
            num_waiting=len(scheduler.waiting),
            num_prompt_tokens=core.num_prompt_tokens,
            num_cached_tokens=core.num_cached_tokens,
            num_restored_tokens=self.retention.num_restored_tokens if self.retention is not None else 0,
            num_apart_tokens=scheduler.prefills.num_tokens if scheduler.prefills is not None else 0,
            num_completion_tokens=core.num_completion_tokens,
            num_requests=core.num_requests,
            num_steps=core.num_steps,
            kv_cells_used=scheduler.cache.num_cells - scheduler.cache.num_free_cells,
            kv_cells=scheduler.cache.num_cells,
        )


def _num_slots(model: Model, params: LoadParams) -> int:
    """Twice as many as rows where prefixes of ended sequences can be kept beside running ones."""
    return params.n_parallel if model.is_recurrent else min(params.n_parallel * 2, MOST_SLOTS)


def _chat_context(model: Model, params: LoadParams, n_threads: int) -> Context:
    num_sequences = _num_slots(model, params) + (not model.is_recurrent)  # one spare, for cells on their way
    return Context(
        model,
        n_ctx=params.n_ctx or min(model.n_ctx_train, DEFAULT_N_CTX),
        n_seq_max=num_sequences,
        n_batch=params.n_batch,
        n_threads=n_threads,
        flash_attn=params.flash_attn,
        cache_type_k=params.cache_type_k,
        cache_type_v=params.cache_type_v,
        max_logits=max(num_sequences, 1 + MAX_DRAFTS),
    )


def _may_read_apart(model: Model, params: LoadParams, n_ctx: int) -> bool:
    """Where the cells of another context are like those of the chats', and threads that stand still leave the cores.

    A saved sliding window has only the cells that its end can see, so that nobody could share less than all of it.
    """
    if params.rpc or params.embedding or model.has_window or not model.turns_alike(n_ctx):
        return False
    return library.waiting_threads_sleep()


def _prefiller(
    model: Model, params: LoadParams, n_threads: int, wake: Callable[[], None]
) -> ContextPrefiller:
    return ContextPrefiller(partial(_prefill_context, model, params, n_threads), model.cell_bytes, wake)


def _prefill_context(
    model: Model, params: LoadParams, n_threads: int, n_ctx: int, on_node: Callable[[], bool]
) -> Context:
    """For one prompt; its cells must be like those of the chats' context."""
    return Context(
        model,
        n_ctx=n_ctx,
        n_seq_max=2,
        n_batch=ROWS,
        n_threads=n_threads,
        flash_attn=params.flash_attn,
        cache_type_k=params.cache_type_k,
        cache_type_v=params.cache_type_v,
        max_logits=2,
        on_node=on_node,
    )


def _retention(
    params: LoadParams, cache: PrefixCache, runner: LlamaRunner, write_later: Callable[[Write], object]
) -> Retention | None:
    if params.disk_cache_dir is None or params.embedding or params.disk_cache_bytes <= 0:
        return None
    settings = (library.build(), params.cache_type_k, params.cache_type_v, params.flash_attn)
    disk = DiskCache(
        Path(params.disk_cache_dir), fingerprint(Path(params.path), *settings), params.disk_cache_bytes
    )
    return Retention(disk, cache, runner, write_later)
