"""Finds another server by its address, reads which models it has, and makes entries that forward to them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import click
import msgspec

from localllm import errors, facts
from localllm.cli.output import print_json, print_table
from localllm.models.catalog import Catalog
from localllm.models.entry import Entry, Kind, check_id
from localllm.nearest import did_you_mean
from localllm.paths import user_paths
from localllm.upstream.spec import Address, UpstreamSpec, parse_address
from localllm.upstream.upstreams import Upstream, Upstreams

CONNECT_S = 3.0
ANSWER_S = 15.0
_UNFIT = re.compile(r"[/:](?![A-Za-z0-9])|[^A-Za-z0-9._@+/:-]|\.{2,}")


@dataclass(frozen=True)
class FoundModel:
    """A model of another server, and the entry that would forward to it. is_known: the catalog has such an entry."""

    name_there: str
    entry: Entry
    state: str
    is_known: bool


@dataclass(frozen=True)
class Found:
    """version: of the localllm that answers; None where the server is another program."""

    address: Address
    version: str | None
    models: list[FoundModel]


def read_address(text: str) -> Address:
    """`host`, `host:port` or a URL; localllm's port where none is given. Raises CatalogError."""
    if "://" in text:
        return parse_address(text)
    host = f"[{text}]" if text.count(":") > 1 and not text.startswith("[") else text
    address = parse_address(f"http://{host}")
    has_port = ":" in host.rpartition("]")[2].partition("/")[0]
    return address if has_port else msgspec.structs.replace(address, port=facts.DEFAULT_PORT)


def look(address: Address, catalog: Catalog, *, key_env: str, key_file: str) -> Found:
    """Ask the server what it has. key_file: as typed; entries name it in full, because theirs counts from the catalog.

    Raises UpstreamFailed, and Unauthorized where it wants a key.
    """
    spec = UpstreamSpec(
        base_url=address.url,
        api_key_env=key_env,
        api_key_file=str(Path(key_file).expanduser().absolute()) if key_file else "",
        connect_timeout_s=CONNECT_S,
        first_timeout_s=ANSWER_S,
    )
    with contextlib.closing(Upstreams(Path.cwd())) as upstreams:
        rows = _listed(upstreams.of(spec))
        version = _version(upstreams.of(spec))
    taken = {name for entry in catalog.entries for name in entry.names}
    models = [_found(row, spec, address, catalog, taken) for row in rows]
    return Found(address, version, [model for model in models if model is not None])


def _listed(upstream: Upstream) -> list[Any]:
    try:
        return _rows(upstream.fetch("/models"))
    except errors.UpstreamFailed as e:
        if e.code == "upstream_failed":
            raise errors.UpstreamFailed(
                f"{e.message} If a localllm runs there, start it with `{facts.SERVE} --host 0.0.0.0`: without that it "
                "answers its own computer only."
            ) from e
        if e.code != "upstream_key_refused":
            raise
        raise errors.Unauthorized(
            "The server wants a key. Put it into an environment variable and name that: --key-env NAME. (A localllm "
            "keeps its key where `localllm paths` says there.)"
        ) from e


def _rows(listed: Any) -> list[Any]:
    """OpenAI's list, or a bare one."""
    rows = listed.get("data", listed.get("models")) if isinstance(listed, dict) else listed
    return rows if isinstance(rows, list) else []


def _version(upstream: Upstream) -> str | None:
    try:
        body = upstream.fetch("/health")
    except errors.LocalllmError:
        return None
    is_ours = isinstance(body, dict) and {"version", "models"} <= body.keys()
    return str(body["version"]) if is_ours else None


def _found(
    row: Any, spec: UpstreamSpec, address: Address, catalog: Catalog, taken: set[str]
) -> FoundModel | None:
    """None for a row that names no model."""
    fields = row if isinstance(row, dict) else {"id": row}
    name = fields.get("id") or fields.get("name")
    if not isinstance(name, str) or not name.isprintable():  # it is shown in a terminal
        return None
    meta, status = (found if isinstance(found := fields.get(key), dict) else {} for key in ("meta", "status"))
    state = status.get("value")
    known = _known(catalog, address, name)
    kind: Kind = next((known_kind for known_kind in get_args(Kind) if known_kind == meta.get("kind")), "chat")
    shown = fields.get("name")
    entry = known or Entry(
        id=_free_id(name, address, taken),
        name=shown if isinstance(shown, str) and shown != name else "",
        description=f"Runs on {address.host}.",
        kind=kind,
        upstream=UpstreamSpec(
            base_url=address.url, model=name, api_key_env=spec.api_key_env, api_key_file=spec.api_key_file
        ),
    )
    taken.update(entry.names)
    return FoundModel(
        name, entry, state if isinstance(state, str) and state.isprintable() else "?", known is not None
    )


def _known(catalog: Catalog, address: Address, name: str) -> Entry | None:
    """The entry that forwards to this very model already."""
    for entry in catalog.entries:
        spec = entry.upstream
        if spec is not None and address in spec.addresses and (spec.model or entry.id) == name:
            return entry
    return None


def _free_id(name: str, address: Address, taken: Collection[str]) -> str:
    """Its own name; with the server's behind it where that is taken here; made of plain characters."""
    plain = _UNFIT.sub("-", name).strip("._-+/:@")[:100].rstrip("/:") or "model"
    host = address.host.replace(":", "-")
    tries = [plain, f"{plain}@{host}", *(f"{plain}@{host}-{number}" for number in range(2, 1000))]
    model_id = next(text for text in tries if text not in taken)
    check_id(model_id)
    return model_id


def problems_of(entry: Entry, folder: Path) -> Iterator[str]:
    """What is wrong with the servers of a forwarded entry, a sentence each. folder: the catalog's."""
    assert entry.upstream is not None
    name = entry.upstream.model or entry.id
    for address in entry.upstream.addresses:
        one = msgspec.structs.replace(
            entry.upstream,
            base_url=address.url,
            base_urls=(),
            connect_timeout_s=CONNECT_S,
            first_timeout_s=ANSWER_S,
        )
        try:
            with contextlib.closing(Upstreams(folder)) as upstreams:
                rows = _rows(upstreams.of(one).fetch("/models"))
        except errors.NotFound:
            continue  # a server without a list, as LitServe is
        except errors.LocalllmError as e:
            yield e.message
            continue
        names = [row.get("id") if isinstance(row, dict) else row for row in rows]
        if rows and name not in names:
            hint = did_you_mean(name, [n for n in names if isinstance(n, str)])
            yield f'{address.url} lists no model "{name}".{hint}'


# ── the command ─────────────────────────────────────────────────────────────────────────────────────────────


def connect_to(
    name: str, names: Collection[str], key_env: str, key_file: str, *, is_adding: bool, as_json: bool
) -> None:
    """Show the server's models, and add those that are wanted. names: of the models there; empty: all."""
    address = read_address(name)
    catalog = Catalog(user_paths().catalog)
    found = look(address, catalog, key_env=key_env, key_file=key_file)
    chosen = [model for model in found.models if not names or model.name_there in names]
    if missing := sorted(set(names) - {model.name_there for model in chosen}):
        hint = did_you_mean(missing[0], [model.name_there for model in found.models])
        raise errors.ModelNotFound(f'{address.url} has no model "{missing[0]}".{hint}')
    added = [model for model in chosen if is_adding and not model.is_known]
    for model in added:
        catalog.add(model.entry)
    if as_json:
        print_json(_as_json(found, chosen, added))
    else:
        _print(name, found, chosen, added, is_adding=is_adding)


def _as_json(found: Found, chosen: list[FoundModel], added: list[FoundModel]) -> dict[str, Any]:
    rows = [
        {
            "id": model.entry.id,
            "name_there": model.name_there,
            "kind": model.entry.kind,
            "state": model.state,
            "in_catalog": model.is_known or model in added,
            "added": model in added,
        }
        for model in chosen
    ]
    return {"url": found.address.url, "localllm": found.version, "models": rows}


def _print(
    name: str, found: Found, chosen: list[FoundModel], added: list[FoundModel], *, is_adding: bool
) -> None:
    who = f"localllm {found.version}" if found.version else "A server"
    click.echo(f"{who} answers at {found.address.url}.\n")
    if not chosen:
        click.echo("It lists no models.")
        return
    rows = [
        (m.name_there, m.state, m.entry.kind, m.entry.id, "yes" if m.is_known or m in added else "no")
        for m in chosen
    ]
    print_table(("MODEL THERE", "STATE", "KIND", "ID HERE", "IN THE CATALOG"), rows)
    if added:
        click.echo(f'\nAdded. Talk to one: localllm chat --model {added[0].entry.id} "Hello"')
    elif not is_adding and any(not model.is_known for model in chosen):
        click.echo(f"\nUse them here: localllm connect {name} --add   (--model NAME for one of them)")
