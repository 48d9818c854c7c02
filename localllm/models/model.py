"""A loaded model: its entry, its engine, and how messages become its prompts and its text becomes messages.

Built once per load, from the entry and what the engine says of the GGUF. Knows no other model and no memory.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import msgspec

from localllm import errors
from localllm.chat.formats import Format, by_name, detect
from localllm.chat.template import CHATML, ChatTemplate
from localllm.engine.engine import Engine
from localllm.engine.loading import LoadParams, ModelInfo
from localllm.models.entry import Entry, file_name
from localllm.models.memory import Plan
from localllm.models.sources import parse_source, source_path
from localllm.paths import Paths
from localllm.sampling_params import SamplingParams

log = logging.getLogger(__name__)
NO_TEMPLATE = (
    "its file has no chat template, so ChatML is used; another one is set by `chat_template` in the catalog"
)


@dataclass(frozen=True)
class Model:
    """What answers requests. Frozen; the engine inside may die and be started again."""

    entry: Entry
    engine: Engine
    template: ChatTemplate
    format: Format

    @property
    def id(self) -> str:
        return self.entry.id

    @property
    def info(self) -> ModelInfo:
        """What the GGUF says. Raises NotReady while the engine is being restarted."""
        return self.engine.info

    @property
    def sampling(self) -> SamplingParams:
        """The defaults that a request may change."""
        return self.entry.sampling


def build_model(entry: Entry, engine: Engine, paths: Paths) -> Model:
    """`engine` is loaded. Raises ModelLoadFailed where the chat template is broken."""
    info = engine.info
    source = _template_text(entry, paths) or info.chat_template
    if not source and not entry.is_embedding:
        log.warning('The model "%s": %s.', entry.id, NO_TEMPLATE)
    source = source or CHATML
    template = ChatTemplate(source, bos_token=info.bos_token, eos_token=info.eos_token)
    return Model(
        entry, engine, template, by_name(entry.tool_format, source) if entry.tool_format else detect(source)
    )


def load_params(
    entry: Entry, paths: Paths, plan: Plan | None = None, draft: Entry | None = None
) -> LoadParams:
    """How the entry wants to be loaded; "auto" becomes the plan's number, or the engine's own choice.

    draft: the entry of the model that guesses tokens for this one.
    """
    if plan is not None:
        entry = msgspec.structs.replace(entry, n_ctx=plan.n_ctx, n_gpu_layers=plan.n_gpu_layers)
    return LoadParams(
        path=str(source_path(parse_source(entry.source), paths)),
        model_id=entry.id,
        n_ctx=0 if entry.n_ctx == "auto" else entry.n_ctx,
        n_parallel=entry.n_parallel,
        n_gpu_layers=-1 if entry.n_gpu_layers == "auto" else entry.n_gpu_layers,
        n_threads=None if entry.n_threads == "auto" else entry.n_threads,
        n_batch=entry.n_batch,
        flash_attn=None if entry.flash_attn == "auto" else entry.flash_attn,
        cache_type_k=entry.cache_type_k,
        cache_type_v=entry.cache_type_v,
        use_mmap=entry.use_mmap,
        embedding=entry.is_embedding,
        speculate=entry.speculate,
        draft_path=str(source_path(parse_source(draft.source), paths)) if draft is not None else None,
        threads_file=str(paths.cache / "threads.json"),
        log_path=str(paths.logs / f"engine-{file_name(entry.id)}.log"),
        rpc=entry.rpc,
        disk_cache_dir=str(paths.cache / "prefixes") if entry.disk_cache else None,
    )


def _template_text(entry: Entry, paths: Paths) -> str:
    """The entry's own template: Jinja text, or the path of a file with it. Empty where the entry has none."""
    if not entry.chat_template or "{" in entry.chat_template:
        return entry.chat_template
    path = paths.catalog.parent / Path(entry.chat_template).expanduser()
    try:
        return path.read_text(encoding="utf-8")
    except OSError as e:
        raise errors.ModelLoadFailed(
            f'The chat template of the model "{entry.id}" cannot be read from {path}: {e.strerror or e}.'
        ) from e
