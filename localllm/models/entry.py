"""A model entry: one `[[model]]` table of models.toml.

Every key is described in docs/models.md; a test fails when one is missing there. Knows no file and no engine.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec

from localllm import errors, facts
from localllm.sampling_params import SamplingParams
from localllm.upstream.spec import UpstreamSpec

Auto = Literal["auto"]
CacheType = Literal["f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0"]
Kind = Literal["chat", "code", "vision", "embedding", "reranking"]

_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._@+-]|[/:](?=[A-Za-z0-9])){0,127}")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

AtLeastOne = Annotated[int, msgspec.Meta(ge=1)]
Layers = Annotated[int, msgspec.Meta(ge=-1)]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What the person says about one model. "auto" lets localllm choose; sizes in bytes.

    Either `source` is given (the model runs here) or `upstream` (another server runs it).
    """

    id: str
    source: str = ""
    upstream: UpstreamSpec | None = None
    name: str = ""
    description: str = ""
    aliases: tuple[str, ...] = ()
    kind: Kind = "chat"
    licence: str = ""
    size_bytes: Annotated[int, msgspec.Meta(ge=0)] = 0
    n_ctx: AtLeastOne | Auto = "auto"
    n_gpu_layers: Layers | Auto = "auto"
    n_threads: AtLeastOne | Auto = "auto"
    n_parallel: AtLeastOne = 8
    n_batch: AtLeastOne = 512
    flash_attn: bool | Auto = "auto"
    cache_type_k: CacheType = "f16"
    cache_type_v: CacheType = "f16"
    use_mmap: bool = True
    disk_cache: bool = True
    speculate: bool = True
    draft: str = ""
    rpc: tuple[str, ...] = ()
    keep_alive: str = ""
    pinned: bool = False
    chat_template: str = ""
    tool_format: str = ""
    truncation: Literal["auto", "disabled"] = "disabled"
    sampling: SamplingParams = SamplingParams()

    @property
    def display_name(self) -> str:
        return self.name or self.id

    @property
    def is_forwarded(self) -> bool:
        """True where another server runs it."""
        return self.upstream is not None

    @property
    def is_embedding(self) -> bool:
        """True where the model gives vectors or scores instead of text."""
        return self.kind in ("embedding", "reranking")

    @property
    def names(self) -> tuple[str, ...]:
        """Everything a request may call it."""
        return (self.id, *self.aliases)


GUIDE = Entry(
    id=facts.GUIDE,
    source=f"builtin:{facts.GUIDE}",
    name="Guide",
    description="The small model inside localllm that explains localllm.",
    sampling=SamplingParams(temperature=0),
)


def check_id(model_id: str) -> None:
    """Raises CatalogError unless it can stand in a URL, a file name and a list without harm."""
    if not _ID.fullmatch(model_id) or ".." in model_id:
        raise errors.CatalogError(
            f'"{model_id}" cannot be a model id: use up to 128 letters, digits and . _ - + @ with : or / between them.'
        )


def check_worker(address: str) -> None:
    """Raises CatalogError unless it is "host:port"."""
    host, _, port = address.rpartition(":")
    if not _HOST.fullmatch(host) or not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise errors.CatalogError(
            f'"{address}" is no address of a worker: write "host:port", with a name or an IPv4 address.'
        )


def file_name(model_id: str) -> str:
    """The id as part of a file name, on any system."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", model_id)


def keep_alive_s(text: str) -> float | None:
    """Seconds from "10m", "1h", "0" or "forever" (None). Raises CatalogError for anything else."""
    if text == "forever":
        return None
    if text == "0":
        return 0.0
    if found := _DURATION.fullmatch(text):
        return float(found[1]) * _SECONDS[found[2]]
    raise errors.CatalogError(f'keep_alive must be like "30s", "10m", "2h", "0" or "forever", not "{text}".')
