"""Whatever goes wrong on the way: the file is whole and right, or absent, and the message says what to do."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import psutil
import pytest

from localllm import errors
from localllm.models import download
from localllm.models.download import Download, Stopped
from localllm.models.hub import Hub, Unreachable
from localllm.models.sources import HubFile
from tests import tiny_models
from tests.models import hub as fault
from tests.models.hub import FakeHub

NAME = "owner/repo/model.gguf"
SOURCE = HubFile("owner", "repo", "model.gguf")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A real model, so that the structure check has something to check."""
    return tiny_models.write(tmp_path_factory.mktemp("model") / "m.gguf", n_layers=1).read_bytes()


@pytest.fixture
def hub(model: bytes) -> Iterator[FakeHub]:
    hub = FakeHub()
    hub.add(NAME, model)
    yield hub
    hub.close()


class Fetch:
    """One download into a folder, with what it said about its progress and how long it waited between tries."""

    def __init__(self, hub: FakeHub, folder: Path, **environ: str) -> None:
        self.client = Hub(hub.environ | environ)
        self.path = folder / "models" / "model.gguf"
        self.told: list[int] = []
        self.waits: list[float] = []
        self.stop = threading.Event()

    def run(self) -> None:
        remote = self.client.describe(SOURCE)
        self.download = Download(
            self.client, remote, self.path, on_bytes=self.told.append, stop=self.stop, wait=self.waits.append
        )
        self.download.run()

    @property
    def left(self) -> list[str]:
        """The names of all files in the folder."""
        return sorted(p.name for p in self.path.parent.glob("*"))


@pytest.fixture
def fetch(hub: FakeHub, tmp_path: Path) -> Iterator[Fetch]:
    fetch = Fetch(hub, tmp_path)
    yield fetch
    fetch.client.close()


def storage_requests(hub: FakeHub) -> list[dict[str, str]]:
    return [headers for method, path, headers in hub.requests if path == f"/{NAME}"]


def test_a_file_arrives_whole_with_nothing_beside_it(hub: FakeHub, fetch: Fetch, model: bytes):
    """The simple case: two requests to the hub, one to the storage, one file."""
    fetch.run()
    assert fetch.path.read_bytes() == model
    assert fetch.left == ["model.gguf"]
    assert len(storage_requests(hub)) == 1
    assert fetch.told[-1] == len(model)


def test_a_file_that_is_there_is_not_fetched_again(hub: FakeHub, fetch: Fetch):
    """Not a byte of it."""
    fetch.run()
    fetch.run()
    assert len(storage_requests(hub)) == 1


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


def test_wrong_bytes_are_noticed_and_thrown_away(hub: FakeHub, fetch: Fetch, model: bytes):
    """Right length, wrong hash: nothing is left, the person is told, and the next try begins anew."""
    hub.faults.append(fault.wrong_bytes)
    with pytest.raises(
        errors.DownloadFailed, match=r"arrived damaged .* Run the same command again"
    ) as raised:
        fetch.run()
    assert raised.value.code == "wrong_hash"
    assert fetch.left == []
    fetch.run()
    assert fetch.path.read_bytes() == model


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc (Linux) to see what is open")
@pytest.mark.parametrize("harm", ["hash", "structure", "none"])
def test_no_file_is_removed_or_renamed_while_it_is_open(
    hub: FakeHub, fetch: Fetch, model: bytes, monkeypatch: pytest.MonkeyPatch, harm: str
):
    """Windows refuses that, and what is damaged would stay and never heal."""

    def refusing_open_files(name: str) -> None:
        act = getattr(Path, name)

        def checked(path: Path, *args: object, **options: object) -> object:
            if str(path) in [file.path for file in psutil.Process().open_files()]:
                raise PermissionError(13, "It is open", str(path))
            return act(path, *args, **options)

        monkeypatch.setattr(Path, name, checked)

    for name in ("unlink", "replace"):
        refusing_open_files(name)
    if harm == "structure":
        hub.add(NAME, b"<!DOCTYPE html>" * 100)
    hub.hashes |= {NAME: "0" * 64} if harm == "hash" else {}
    refused = pytest.raises(errors.DownloadFailed, match=r"its hash is wrong|cannot be used")
    with refused if harm != "none" else nullcontext():
        fetch.run()
    assert fetch.left == (["model.gguf"] if harm == "none" else [])


def test_a_hash_that_the_hub_states_wrongly_never_lets_the_file_through(hub: FakeHub, fetch: Fetch):
    """However often it is tried."""
    hub.hashes[NAME] = "0" * 64
    for _ in range(2):
        with pytest.raises(errors.DownloadFailed, match="its hash is wrong"):
            fetch.run()
        assert fetch.left == []


@pytest.mark.parametrize("change", [-1000, 1000])
def test_a_wrong_length_ends_with_a_message(hub: FakeHub, fetch: Fetch, model: bytes, change: int):
    """The hub claims more or less than the storage has: no file, and no endless loop."""
    hub.sizes[NAME] = len(model) + change
    with pytest.raises(Unreachable):
        fetch.run()
    assert "model.gguf" not in fetch.left
    assert len(storage_requests(hub)) < 40


def test_what_is_no_gguf_is_not_offered(hub: FakeHub, fetch: Fetch):
    """Right hash, but a web page: it never gets the model's name."""
    hub.add(NAME, b"<!DOCTYPE html>" * 100)
    with pytest.raises(errors.DownloadFailed, match=r"cannot be used. model.gguf is no GGUF file"):
        fetch.run()
    assert fetch.left == []


def test_a_busy_hub_is_asked_again_after_the_time_it_asks_for(hub: FakeHub, fetch: Fetch, model: bytes):
    """429 with Retry-After, then 503 without."""
    hub.faults.extend([fault.status(429, Retry_After="17"), fault.status(503)])
    fetch.run()
    assert fetch.path.read_bytes() == model
    assert fetch.waits[0] == 17
    assert 0 < fetch.waits[1] <= 30


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


@pytest.mark.parametrize("code", [401, 403])
def test_a_gated_model_is_explained(hub: FakeHub, fetch: Fetch, code: int):
    """Where to accept the terms, and which variable to set."""
    hub.hub_statuses.append((code, {}))
    with pytest.raises(
        errors.DownloadFailed, match=r"accept its terms at .*/owner/repo .*HF_TOKEN"
    ) as raised:
        fetch.run()
    assert raised.value.code == "gated_model"
    assert fetch.left == []


def test_the_token_goes_to_the_hub_and_to_nobody_it_redirects_to(hub: FakeHub, tmp_path: Path, model: bytes):
    """The storage is another host."""
    hub.gated.add("owner/repo")
    fetch = Fetch(hub, tmp_path, HF_TOKEN="hf_secret")
    fetch.run()
    assert fetch.path.read_bytes() == model
    for _, path, headers in hub.requests:
        is_storage = path == f"/{NAME}"
        assert headers.get("authorization") == (None if is_storage else "Bearer hf_secret")
    fetch.client.close()


def test_a_saved_token_is_used(hub: FakeHub, tmp_path: Path):
    """What `huggingface-cli login` wrote."""
    (tmp_path / "token").write_text("hf_saved\n")
    fetch = Fetch(hub, tmp_path, HF_HOME=str(tmp_path))
    fetch.run()
    assert hub.requests[0][2]["authorization"] == "Bearer hf_saved"
    fetch.client.close()


def test_a_trickling_connection_is_given_up_and_made_anew(
    hub: FakeHub, fetch: Fetch, model: bytes, monkeypatch: pytest.MonkeyPatch
):
    """A slow loris keeps every read short of its time limit, but not the whole."""
    monkeypatch.setattr(download, "STALL_S", 0.2)
    hub.faults.append(fault.trickle)
    fetch.run()
    assert fetch.path.read_bytes() == model
    assert len(storage_requests(hub)) == 2


def test_two_downloads_of_one_file_do_not_meet(hub: FakeHub, fetch: Fetch, tmp_path: Path, model: bytes):
    """The second one is told to wait; the first one's file is right."""
    second = Fetch(hub, tmp_path)
    seen: list[errors.LocalllmError] = []

    def meanwhile(done: int) -> None:
        if not seen:
            with pytest.raises(errors.DownloadFailed, match="by another localllm already") as raised:
                second.run()
            seen.append(raised.value)

    Download(fetch.client, fetch.client.describe(SOURCE), fetch.path, on_bytes=meanwhile).run()
    assert seen[0].code == "download_running"
    assert fetch.path.read_bytes() == model
    assert fetch.left == ["model.gguf"]
    second.client.close()


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


def test_offline_means_offline(hub: FakeHub, tmp_path: Path):
    """HF_HUB_OFFLINE sends nothing at all."""
    fetch = Fetch(hub, tmp_path, HF_HUB_OFFLINE="1")
    with pytest.raises(errors.DownloadFailed, match="HF_HUB_OFFLINE is set"):
        fetch.run()
    assert hub.requests == []
    fetch.client.close()


def test_a_mistyped_file_is_answered_with_the_nearest(fetch: Fetch):
    """The repository is listed to find it."""
    with pytest.raises(errors.DownloadFailed, match=r'has no file modell.gguf. Did you mean "model.gguf"'):
        fetch.client.describe(HubFile("owner", "repo", "modell.gguf"))
    with pytest.raises(errors.DownloadFailed, match="no repository owner/nothing"):
        fetch.client.describe(HubFile("owner", "nothing", "m.gguf"))


def test_a_hub_that_cannot_be_reached_is_told(tmp_path: Path):
    """With the host and what to check."""
    client = Hub({"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path)})
    with pytest.raises(Unreachable, match=r"127.0.0.1 cannot be reached .* Check the network"):
        client.describe(SOURCE)
    client.close()


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
