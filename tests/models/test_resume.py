"""A download that was broken off goes on where it stopped, whatever ended it, or begins anew where it has to."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from localllm import errors
from localllm.models import download
from localllm.models.download import Stopped
from localllm.models.hub import Unreachable
from tests import tiny_models
from tests.models import hub as fault
from tests.models.fetch import NAME, Fetch, storage_requests
from tests.models.hub import FakeHub


def test_a_connection_cut_at_200_random_bytes_goes_on_each_time(hub: FakeHub, fetch: Fetch, model: bytes):
    """No byte is fetched twice, the result is the file, and progress never runs backwards."""
    cuts = sorted(random.Random(7).sample(range(1, len(model)), 200))
    hub.faults.extend(fault.cut_after(b - a) for a, b in zip([0, *cuts], cuts, strict=False))
    fetch.run()
    assert fetch.path.read_bytes() == model
    assert [h.get("range") for h in storage_requests(hub)] == [None, *(f"bytes={c}-" for c in cuts)]
    assert fetch.told == sorted(fetch.told)


def test_a_killed_download_goes_on_in_the_next_process(
    hub: FakeHub, fetch: Fetch, model: bytes, tmp_path: Path
):
    """kill -9 in the middle loses nothing that had arrived."""
    hub.faults.append(fault.cut_after(100_000))
    hub.faults.append(fault.trickle)
    code = (
        "import sys, time; from pathlib import Path; from localllm.models.hub import Hub\n"
        "from localllm.models.pull import Pull; from localllm.models.sources import HubFile\n"
        "def say(progress): print(progress.done_bytes, flush=True)\n"
        f"Pull(Hub({hub.environ!r}), HubFile('owner', 'repo', 'model.gguf'), Path(sys.argv[1])).run(say)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    while int(process.stdout.readline()) < 100_000:
        pass
    process.send_signal(signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)
    process.communicate()
    hub.faults.clear()
    fetch.path = tmp_path / "owner" / "repo" / "model.gguf"
    assert not fetch.path.exists()
    fetch.run()
    assert fetch.path.read_bytes() == model
    assert int(storage_requests(hub)[-1]["range"].removeprefix("bytes=").rstrip("-")) >= 100_000


def test_a_stopped_download_keeps_what_it_has(hub: FakeHub, fetch: Fetch, model: bytes):
    """Pause: the part stays and is gone on with."""
    hub.faults.append(fault.cut_after(3000))
    fetch.waits = _Stopping(fetch.stop)
    with pytest.raises(Stopped):
        fetch.run()
    assert fetch.path.with_name("model.gguf.part").stat().st_size == 3000
    fetch.stop.clear()
    fetch.waits = []
    fetch.run()
    assert storage_requests(hub)[-1]["range"] == "bytes=3000-"
    assert fetch.path.read_bytes() == model


class _Stopping(list[float]):
    """Stops the download in its first wait."""

    def __init__(self, stop: threading.Event) -> None:
        super().__init__()
        self._stop = stop

    def append(self, seconds: float) -> None:
        self._stop.set()


@pytest.mark.parametrize("bad", [fault.ignored_range, fault.other_range, fault.status(416), fault.too_many])
def test_a_server_that_cannot_go_on_makes_it_begin_anew(
    hub: FakeHub, fetch: Fetch, model: bytes, bad: fault.Fault
):
    """200 instead of 206, another range, 416, too many bytes: the file is right all the same."""
    hub.faults.extend([fault.cut_after(1000), bad])
    fetch.run()
    assert fetch.path.read_bytes() == model
    assert fetch.told == sorted(fetch.told)


def test_a_file_that_changed_meanwhile_is_begun_anew(hub: FakeHub, fetch: Fetch, tmp_path: Path):
    """Half of the old and half of the new would be neither."""
    hub.faults.append(fault.cut_after(1000))
    hub.faults.append(fault.status(403))
    with pytest.raises(errors.DownloadFailed):
        fetch.run()
    new = hub.add(NAME, tiny_models.write(tmp_path / "new.gguf", n_layers=2).read_bytes())
    fetch.run()
    assert fetch.path.read_bytes() == new


def test_a_hub_that_stays_busy_is_given_up_with_what_arrived_kept(hub: FakeHub, fetch: Fetch, model: bytes):
    """The same command goes on later."""
    hub.faults.append(fault.cut_after(5000))
    hub.faults.extend([fault.status(503)] * download.MAX_TRIES)
    with pytest.raises(Unreachable, match="is busy"):
        fetch.run()
    assert fetch.left == ["model.gguf.part", "model.gguf.part.json"]
    fetch.run()
    assert fetch.path.read_bytes() == model
    assert storage_requests(hub)[-1]["range"] == "bytes=5000-"


def test_a_trickling_connection_is_given_up_and_made_anew(
    hub: FakeHub, fetch: Fetch, model: bytes, monkeypatch: pytest.MonkeyPatch
):
    """A slow loris keeps every read short of its time limit, but not the whole."""
    monkeypatch.setattr(download, "STALL_S", 0.2)
    hub.faults.append(fault.trickle)
    fetch.run()
    assert fetch.path.read_bytes() == model
    assert len(storage_requests(hub)) == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full (Linux)")
def test_a_disk_that_fills_up_is_told_and_what_arrived_is_kept(hub: FakeHub, fetch: Fetch, model: bytes):
    """Written in a process that may write only 50 kB: the system's own error, not a made-up one."""
    code = (
        "import resource, sys; from pathlib import Path\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
        "from localllm import errors; from localllm.models.hub import Hub\n"
        "from localllm.models.pull import Pull; from localllm.models.sources import HubFile\n"
        f"pull = Pull(Hub({hub.environ!r}), HubFile('owner', 'repo', 'model.gguf'), Path(sys.argv[1]))\n"
        "try: pull.run()\n"
        "except errors.DownloadFailed as e: print(e.message)\n"
    )
    folder = fetch.path.parent
    said = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert "cannot hold files as large" in said
    fetch.path = folder / "owner" / "repo" / "model.gguf"
    assert fetch.left == ["model.gguf.part", "model.gguf.part.json"]
    fetch.run()
    assert fetch.path.read_bytes() == model
    assert storage_requests(hub)[-1]["range"] == "bytes=50000-"


def test_a_full_file_system_is_told(hub: FakeHub, fetch: Fetch, model: bytes, tmp_path: Path):
    """On a small tmpfs, where this may be mounted; what arrived is kept, and goes on when there is room."""
    mount_point = tmp_path / "models"
    mount_point.mkdir()
    mounted = (
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(mount_point)],
            capture_output=True,
            check=False,
        )
        if sys.platform == "linux"
        else None
    )
    if mounted is None or mounted.returncode != 0:
        pytest.skip("needs the right to mount a tmpfs")
    try:
        with pytest.raises(errors.DownloadFailed, match=r"disk of .* is full. Free some space"):
            fetch.run()
        assert "model.gguf" not in fetch.left
        subprocess.run(["mount", "-o", "remount,size=64m", str(mount_point)], check=True)
        fetch.run()
        assert fetch.path.read_bytes() == model
    finally:
        subprocess.run(["umount", str(mount_point)], check=True)
