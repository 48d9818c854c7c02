"""Talks to a Hugging Face hub: which files a repository has, what a file's hash is, and its bytes from a position on.

`HF_ENDPOINT`, `HF_TOKEN` (or the token that `huggingface-cli login` saved), `HF_HUB_OFFLINE` and the usual proxy
variables are honoured. The token goes to the hub itself and to nobody it redirects to. Writes no file.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from localllm import __version__, errors
from localllm.models.sources import HubFile
from localllm.nearest import did_you_mean

if TYPE_CHECKING:  # slow to import, and a start that downloads nothing does without
    import httpx

ENDPOINT = "https://huggingface.co"
REVISION = "main"
MAX_REDIRECTS = 5
TIMEOUT_S = 30.0
CONNECT_TIMEOUT_S = 15.0
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TRUE = {"1", "true", "yes", "on"}


class Unreachable(errors.DownloadFailed):
    """The connection failed or the hub is busy: the same request may succeed in a moment."""

    code = "hub_unreachable"
    retry_after_s = 5
    asked_wait_s = 0.0  # what a busy hub asked for itself


@dataclass(frozen=True)
class RemoteFile:
    """What the hub says of one file. sha256 is None for small files that are not stored by hash."""

    source: HubFile
    size_bytes: int
    sha256: str | None
    etag: str


@dataclass(frozen=True)
class Listed:
    """One file of a repository's listing."""

    name: str
    size_bytes: int
    sha256: str | None


class Hub:
    """One hub and one person's access to it. May be used by several threads."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        """Raises DownloadFailed where the proxy variables make no sense."""
        import httpx

        environ = os.environ if environ is None else environ
        self.endpoint = environ.get("HF_ENDPOINT", ENDPOINT).rstrip("/")
        self.is_offline = environ.get("HF_HUB_OFFLINE", "").lower() in _TRUE
        self._token = environ.get("HF_TOKEN") or _saved_token(environ)
        try:
            self._client = httpx.Client(
                timeout=httpx.Timeout(TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
                headers={"User-Agent": f"localllm/{__version__}", "Accept-Encoding": "identity"},
            )
        except (ValueError, ImportError, httpx.InvalidURL) as e:
            raise errors.DownloadFailed(
                f"The proxy settings cannot be used ({e}). Look at HTTPS_PROXY, HTTP_PROXY and ALL_PROXY."
            ) from e

    def close(self) -> None:
        self._client.close()

    def describe(self, source: HubFile) -> RemoteFile:
        """Size and hash of a file. Raises DownloadFailed (Unreachable where trying again helps)."""
        with self._send("HEAD", self._file_url(source), source, stop_at_storage=True) as response:
            headers = response.headers
            etag = (headers.get("x-linked-etag") or headers.get("etag") or "").removeprefix("W/").strip('"')
            size = headers.get("x-linked-size") or headers.get("content-length")
            if size is None or not size.isdigit():
                raise errors.DownloadFailed(f"{self.endpoint} does not say how large {source.file} is.")
            return RemoteFile(source, int(size), etag if _SHA256.fullmatch(etag) else None, etag)

    def list_files(self, owner: str, repo: str) -> list[Listed]:
        """All files of a repository. Raises DownloadFailed."""
        source = HubFile(owner, repo, "")
        url = f"{self.endpoint}/api/models/{quote(owner)}/{quote(repo)}/tree/{REVISION}?recursive=true"
        with self._send("GET", url, source) as response:
            response.read()
            try:
                return [
                    Listed(str(row["path"]), int(row["size"]), (row.get("lfs") or {}).get("oid"))
                    for row in response.json()
                    if row.get("type", "file") == "file"
                ]
            except (ValueError, TypeError, KeyError, AttributeError) as e:
                raise errors.DownloadFailed(
                    f"{self.endpoint} does not answer as a Hugging Face hub does. Is HF_ENDPOINT right?"
                ) from e

    @contextlib.contextmanager
    def open(self, source: HubFile, start: int, if_range: str) -> Iterator[httpx.Response]:
        """The bytes of a file from `start` on, as a stream. `if_range`: the ETag under which the rest was served.

        The answer is 206 with the rest, 200 with the whole file, or 416. Raises DownloadFailed.
        """
        headers = {"Range": f"bytes={start}-"} if start else {}
        if start and if_range:
            headers["If-Range"] = if_range
        with self._send("GET", self._file_url(source), source, headers=headers) as response:
            yield response

    def _file_url(self, source: HubFile) -> str:
        return f"{self.endpoint}/{source.owner}/{source.repo}/resolve/{REVISION}/{quote(source.file)}"

    @contextlib.contextmanager
    def _send(
        self,
        method: str,
        url: str,
        source: HubFile,
        *,
        headers: Mapping[str, str] | None = None,
        stop_at_storage: bool = False,
    ) -> Iterator[httpx.Response]:
        """Send and follow redirects. stop_at_storage: a redirect that tells size and hash itself is the answer."""
        import httpx

        if self.is_offline:
            raise errors.DownloadFailed(
                "HF_HUB_OFFLINE is set, so nothing is downloaded. Unset it to download."
            )
        target = httpx.URL(url)
        try:
            for _ in range(MAX_REDIRECTS):
                request = self._client.build_request(method, target, headers=self._headers(target, headers))
                response = self._client.send(request, stream=True)
                with contextlib.closing(response):
                    if response.has_redirect_location and not (
                        stop_at_storage and "x-linked-size" in response.headers
                    ):
                        target = _next_url(target, response.headers["location"])
                        continue
                    self._check(response, source)
                    yield response
                    return
        except httpx.InvalidURL as e:
            raise errors.DownloadFailed(f"{url} is no address. Is HF_ENDPOINT right?") from e
        except httpx.TransportError as e:
            raise Unreachable(
                f"{target.host} cannot be reached ({_reason(e)}). Check the network; the same command goes on later."
            ) from e
        raise errors.DownloadFailed(f"{url} redirects more than {MAX_REDIRECTS} times.")

    def _headers(self, target: httpx.URL, headers: Mapping[str, str] | None) -> dict[str, str]:
        is_hub = _origin(target) == _origin(target.join(self.endpoint))
        own = {"Authorization": f"Bearer {self._token}"} if self._token and is_hub else {}
        return {**(headers or {}), **own}

    def _check(self, response: httpx.Response, source: HubFile) -> None:
        status = response.status_code
        if status < 400 or status == 416:
            return
        if status in (401, 403):
            raise _no_access(source, self.endpoint, has_token=bool(self._token))
        if status == 404:
            raise self._not_found(source)
        if status == 429 or status >= 500:
            error = Unreachable(f"{self.endpoint} is busy (HTTP {status}). Try the same command again later.")
            retry_after = response.headers.get("retry-after", "")
            error.asked_wait_s = min(float(retry_after), 300.0) if retry_after.isdigit() else 0.0
            raise error
        raise errors.DownloadFailed(
            f"{self.endpoint} refuses {source.repo_id} {source.file} (HTTP {status})."
        )

    def _not_found(self, source: HubFile) -> errors.LocalllmError:
        if not source.file:
            return errors.DownloadFailed(f"{self.endpoint} has no repository {source.repo_id}.")
        try:
            names = [f.name for f in self.list_files(source.owner, source.repo)]
        except errors.LocalllmError as e:
            return e
        hint = did_you_mean(source.file, names)
        return errors.DownloadFailed(f"{source.repo_id} has no file {source.file}.{hint}")


def _no_access(source: HubFile, endpoint: str, *, has_token: bool) -> errors.DownloadFailed:
    page = f"{endpoint}/{source.repo_id}"
    how = "with the account of your HF_TOKEN" if has_token else "and set HF_TOKEN to a token of your account"
    return errors.DownloadFailed(
        f"{source.repo_id} is not open to everybody (or does not exist): accept its terms at {page} {how}, then run "
        "the same command again.",
        code="gated_model",
    )


def _next_url(target: httpx.URL, location: str) -> httpx.URL:
    url = target.join(location)
    if target.scheme == "https" and url.scheme != "https":
        raise errors.DownloadFailed(
            f"{target.host} redirects to an unencrypted address; nothing was downloaded."
        )
    return url


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


def _saved_token(environ: Mapping[str, str]) -> str | None:
    home = Path(environ.get("HF_HOME", "~/.cache/huggingface")).expanduser()
    path = Path(environ.get("HF_TOKEN_PATH", str(home / "token"))).expanduser()
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        return None
