"""All upstreams of the app: what is known of their replicas outlives the requests.

    upstreams = Upstreams()
    call = upstreams.of(entry.upstream).call("/chat/completions", body, …)

Knows specs, no catalog and no model.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from localllm import __version__, errors
from localllm.upstream.attempt import Request
from localllm.upstream.call import BEARER, END, Call
from localllm.upstream.payloads import Payloads, WholeBody
from localllm.upstream.replicas import Replicas
from localllm.upstream.spec import UpstreamSpec, read_key

VIA = "x-localllm-via"
MAX_HOPS = 8
POLL_S = 0.1


class Upstream:
    """One upstream: its spec, and the replicas with what is known of them."""

    def __init__(self, spec: UpstreamSpec, folder: Path, app_id: str) -> None:
        self.spec = spec
        self.replicas = Replicas(spec.addresses, spec.num_parallel)
        self.refuses: frozenset[str] = frozenset()  # fields that it does not know, learnt from its refusals
        self.says_any = False  # its word for tool_choice "required"
        self._folder = folder
        self._app_id = app_id

    def call(
        self,
        path: str,
        body: dict[str, Any],
        *,
        is_start: Callable[[Any], bool],
        is_answer: Callable[[Any], bool] = lambda _: True,
        via: str = "",
    ) -> Call:
        """Ask for a stream of payloads. is_start, is_answer: see Call. via: the header of the forwarded request.

        Raises UpstreamFailed where the key is missing, ForwardingLoop.
        """
        request = Request(path, self._headers(via), msgspec.json.encode(body))
        return Call(self.replicas, self.spec, request, Payloads, is_start, is_answer)

    def fetch(
        self,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        poll: Callable[[], None] = lambda: None,
        via: str = "",
    ) -> Any:
        """POST the body, or GET, and give the JSON answer. `poll` may raise to give up. Raises LocalllmError."""
        data, method = (b"", "GET") if body is None else (msgspec.json.encode(body), "POST")
        request = Request(path, self._headers(via), data, method)
        call = Call(self.replicas, self.spec, request, WholeBody, lambda _: True)
        try:
            while (payload := call.next(POLL_S)) is None:
                poll()
        finally:
            call.close()
        if payload is END:
            raise errors.UpstreamFailed(f"The server {call.who} sent an empty answer.")
        return payload

    def _headers(self, via: str) -> list[tuple[str, str]]:
        headers = [
            ("Content-Type", "application/json"),
            ("Accept", "application/json, text/event-stream"),
            ("Accept-Encoding", "identity"),
            ("User-Agent", f"localllm/{__version__}"),
            (VIA, self._passed(via)),
        ]
        key = read_key(self.spec, self._folder)
        return headers if key is None else [*headers, ("Authorization", BEARER + key)]

    def _passed(self, via: str) -> str:
        """The header with this app added. Raises ForwardingLoop where it was here before."""
        hops = [hop.strip() for hop in via.split(",") if hop.strip()]
        if self._app_id in hops or len(hops) >= MAX_HOPS:
            raise errors.ForwardingLoop(
                "This request has come back to the localllm that sent it on: the base_url of the model's entry leads "
                "here again. Correct it in models.toml."
            )
        return ", ".join([*(hop for hop in hops if hop.isalnum()), self._app_id])


class Upstreams:
    """For any thread."""

    def __init__(self, folder: Path) -> None:
        """folder: the catalog's; relative key files count from there."""
        self._folder = folder
        self._lock = threading.Lock()
        self._app_id = secrets.token_hex(8)
        self._all: dict[UpstreamSpec, Upstream] = {}

    def of(self, spec: UpstreamSpec) -> Upstream:
        """The upstream of this spec; the same one as long as the spec is."""
        with self._lock:
            if spec not in self._all:
                self._all[spec] = Upstream(spec, self._folder, self._app_id)
            return self._all[spec]

    def known(self, spec: UpstreamSpec) -> Upstream | None:
        """The upstream, where it was used before. Never waits."""
        return self._all.get(spec)

    def close(self) -> None:
        """Close the connections that were kept."""
        with self._lock:
            for upstream in self._all.values():
                upstream.replicas.close()
