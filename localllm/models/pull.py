"""Pulls a model: one file or all parts of a split one, several at a time, with one progress for all.

    pull = Pull(Hub(), HubFile("owner", "repo", "file.gguf"), paths.models)
    pull.run(on_progress=print)          # or pull.start(); pull.progress; pull.pause(); pull.cancel()
    Pull(Hub(), pull.source, paths.models, before=pull).start()  # goes on with what was paused

Chooses the quantization where only a repository is named. Knows no catalog and no terminal.
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from localllm import errors
from localllm.models.disk import Disk
from localllm.models.download import Download, Stopped, on_disk
from localllm.models.hub import Hub, Listed, RemoteFile
from localllm.models.sources import HubFile

State = Literal["waiting", "running", "done", "failed", "paused", "cancelled"]
PARALLEL_FILES = 3
SPEED_WINDOW_S = 10.0
END_S = 2.0  # so long pausing waits for the connection; a silent one ends by itself, later
SMALL_BYTES = 2_000_000_000  # models so small lose much by quantization and little by a larger file
PREFERRED = ("Q4_K_M", "Q4_K_S", "MXFP4", "IQ4_XS", "Q4_0", "Q5_K_M", "Q3_K_M", "Q6_K", "Q8_0")
OVERHEAD = 1.15  # memory over file size: cache and buffers, before anything is known of the model
_SHARD = re.compile(r"-(\d{5})-of-\d{5}\.gguf$", re.IGNORECASE)
_QUANT = re.compile(r"(?<![A-Za-z0-9])(I?Q\d(?:_[A-Z0-9]+)*|MXFP4|BF16|F16|F32)(?=[-.])", re.IGNORECASE)


@dataclass(frozen=True)
class Progress:
    """How far a pull is. `left_s` None: not known yet."""

    state: State
    done_bytes: int
    total_bytes: int
    bytes_per_s: float
    left_s: float | None
    error: str | None = None


class Pull:
    """One model on its way. Any thread may look at `progress`, pause or cancel."""

    def __init__(
        self,
        hub: Hub | None,
        source: HubFile,
        models: Path,
        before: Pull | None = None,
        disk: Disk | None = None,
    ) -> None:
        """`models`: the folder of downloaded models. before: an earlier pull of the same model, to go on with.

        hub: None for one that is only looked at, as `unfinished` makes it. disk: shared by pulls that run at once.
        """
        self.source = source
        self._hub = hub
        self._models = models
        self._before = before
        self._disk = disk or Disk()
        self._stop = threading.Event()
        self._done: dict[str, int] = {}
        self._total_bytes = 0
        self._state: State = "waiting"
        self._asked: Literal["paused", "cancelled"] | None = None
        self._error: errors.LocalllmError | None = None
        self._samples: deque[tuple[float, int]] = deque(maxlen=256)
        self._thread: threading.Thread | None = None
        if before is not None and before.progress.state == "paused":
            self._done, self._total_bytes = dict(before._done), before._total_bytes

    @classmethod
    def unfinished(cls, source: HubFile, models: Path) -> Pull:
        """What an earlier run of the program has left on the disk: paused. Give it to the next pull as `before`."""
        pull = cls(None, source, models)
        pull._state = "paused"
        for file in source.shards():
            pull._done[file], size = on_disk(source.local_path(models, file))
            pull._total_bytes += size
        return pull

    @property
    def progress(self) -> Progress:
        done = sum(self._done.values())
        speed = self._speed()
        left_s = (self._total_bytes - done) / speed if speed > 0 and self._total_bytes else None
        error = self._error.message if self._error else None
        return Progress(self._current_state, done, self._total_bytes, speed, left_s, error)

    @property
    def _current_state(self) -> State:
        """What was asked for holds at once, also while a silent connection is still to be given up."""
        return self._asked if self._asked and self._state in ("waiting", "running") else self._state

    def run(self, on_progress: Callable[[Progress], None] = lambda progress: None) -> Path:
        """Pull everything; the path of the (first) file. Raises DownloadFailed, Stopped."""
        self._begin()
        return self._pull(on_progress)

    def _begin(self) -> None:
        self._stop.clear()
        self._state, self._asked, self._error = "running", None, None

    def _pull(
        self, on_progress: Callable[[Progress], None], on_done: Callable[[], None] = lambda: None
    ) -> Path:
        try:
            path = self._run(on_progress)
            on_done()
        except errors.LocalllmError as e:
            self._state = self._asked or ("paused" if isinstance(e, Stopped) else "failed")
            self._error = e if self._state == "failed" else None
            raise
        finally:
            if self._asked == "cancelled":
                self._throw_away()
        self._state = "done"
        return path

    def start(
        self, on_done: Callable[[], None] = lambda: None, on_end: Callable[[], None] = lambda: None
    ) -> None:
        """Run in a thread of its own; `progress` tells how it ended.

        There `on_done` is called when all went well, before the state says so, and `on_end` at the end in any case.
        """
        self._begin()
        name = f"pull {self.source.file}"
        self._thread = threading.Thread(
            target=self._run_quietly, args=(on_done, on_end), name=name, daemon=True
        )
        self._thread.start()

    def pause(self) -> None:
        """Stop; what has arrived is kept, and the next pull of the same model goes on with it."""
        self._end("paused")

    def cancel(self) -> None:
        """Stop and throw away what has arrived of files that are not complete."""
        self._end("cancelled")
        if not self.is_alive and self._state != "done":
            self._state = "cancelled"
            self._throw_away()

    @property
    def is_alive(self) -> bool:
        """True while its thread runs: after a pause perhaps a little longer than the state says."""
        return self._thread is not None and self._thread.is_alive()

    def _end(self, asked: Literal["paused", "cancelled"]) -> None:
        self._asked = asked
        self._stop.set()
        if self._thread is not None:
            self._thread.join(END_S)

    def _throw_away(self) -> None:
        for leftover in self.source.leftovers(self._models):
            leftover.unlink(missing_ok=True)

    def _run_quietly(self, on_done: Callable[[], None], on_end: Callable[[], None]) -> None:
        try:
            if self._before is not None and self._before._thread is not None:
                self._before._thread.join()  # it holds the file until its connection has given way
            self._before = None
            self._pull(lambda progress: None, on_done)
        except errors.LocalllmError:
            pass  # `progress` tells it
        except Exception as e:  # noqa: BLE001 -- a thread's exception would be seen by nobody
            self._state, self._error = "failed", errors.DownloadFailed(f"{type(e).__name__}: {e}")
        finally:
            on_end()

    def _run(self, on_progress: Callable[[Progress], None]) -> Path:
        sources = [HubFile(self.source.owner, self.source.repo, file) for file in self.source.shards()]
        hub = self._hub
        assert hub is not None, "only looked at"
        remotes = [hub.describe(source) for source in sources]
        self._total_bytes = sum(remote.size_bytes for remote in remotes)
        downloads = [self._download(hub, remote, on_progress) for remote in remotes]
        with (
            self._disk.claim(self._models, lambda: sum(d.missing_bytes for d in downloads)),
            ThreadPoolExecutor(PARALLEL_FILES) as threads,
        ):
            running = [threads.submit(d.run) for d in downloads]
            try:
                for finished in as_completed(running):
                    finished.result()
            except BaseException:  # Ctrl-C too
                self._stop.set()  # the other parts are paused, not lost
                raise
        return self.source.local_path(self._models)

    def _download(self, hub: Hub, remote: RemoteFile, on_progress: Callable[[Progress], None]) -> Download:
        file = remote.source.file

        def on_bytes(done: int) -> None:
            self._done[file] = min(max(done, self._done.get(file, 0)), remote.size_bytes)
            self._samples.append((time.monotonic(), sum(self._done.values())))
            on_progress(self.progress)

        path = self.source.local_path(self._models, file)
        return Download(hub, remote, path, on_bytes=on_bytes, stop=self._stop)

    def _speed(self) -> float:
        now = time.monotonic()
        recent = [s for s in list(self._samples) if now - s[0] < SPEED_WINDOW_S]
        if len(recent) < 2 or recent[-1][0] <= recent[0][0]:
            return 0.0
        return (recent[-1][1] - recent[0][1]) / (recent[-1][0] - recent[0][0])


def choose_file(files: Sequence[Listed], memory_bytes: int) -> str:
    """The file of a repository to take: the best quantization that fits into the memory.

    Small models whole (Q8_0), larger ones as Q4_K_M or the like, the largest that fits where there is no such.
    Raises DownloadFailed where nothing fits or no GGUF is there.
    """
    sizes = model_sizes(files)
    if not sizes:
        raise errors.DownloadFailed(
            "There is no GGUF model in this repository; localllm runs GGUF files only."
        )
    fitting = {name: size for name, size in sizes.items() if size * OVERHEAD <= memory_bytes}
    if not fitting:
        smallest = min(sizes.values())
        raise errors.DownloadFailed(
            f"Nothing in this repository fits: its smallest model needs about {smallest * OVERHEAD / 1e9:.1f} GB, and "
            f"{memory_bytes / 1e9:.1f} GB are free for models. Name a file to download it nevertheless.",
            code="not_enough_memory",
        )
    by_quant = {quant_of(name): name for name in sorted(fitting, reverse=True)}
    whole = by_quant.get("Q8_0")
    if whole is not None and fitting[whole] <= SMALL_BYTES:
        return whole
    preferred = next((by_quant[quant] for quant in PREFERRED if quant in by_quant), None)
    return preferred or max(fitting, key=lambda name: fitting[name])


def of_quant(files: Sequence[Listed], quant: str) -> str:
    """The file of this quantization. Raises DownloadFailed that names those there are."""
    by_quant = {quant_of(name): name for name in sorted(model_sizes(files), reverse=True)}
    if quant.upper() not in by_quant:
        there = ", ".join(sorted(filter(None, by_quant))) or "none"
        raise errors.DownloadFailed(f"There is no {quant} in this repository; there is {there}.")
    return by_quant[quant.upper()]


def model_sizes(files: Sequence[Listed]) -> dict[str, int]:
    """Bytes of each model of a repository, parts of a split one together under the first one's name."""
    sizes: dict[str, int] = {}
    for file in files:
        name = file.name
        if not name.lower().endswith(".gguf") or "mmproj" in name.lower() or "imatrix" in name.lower():
            continue
        if part := _SHARD.search(name):
            name = name[: part.start(1)] + "00001" + name[part.end(1) :]
        sizes[name] = sizes.get(name, 0) + file.size_bytes
    return sizes


def quant_of(name: str) -> str:
    """The quantization in a file's name: "Q4_K_M"; empty where there is none."""
    found = _QUANT.findall(name)
    return found[-1].upper() if found else ""
