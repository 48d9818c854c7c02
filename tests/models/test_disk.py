"""A download begins only where the disk has room for it beside those that run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from localllm import errors
from localllm.models.disk import Disk, check_disk


def test_too_little_disk_is_told_before_the_first_byte(tmp_path: Path):
    """With the numbers, and a way out."""
    with pytest.raises(
        errors.DownloadFailed, match=r"needs 1000000.0 GB, .* GB free. .*LOCALLLM_HOME"
    ) as raised:
        check_disk(tmp_path / "not" / "yet", 10**15)
    assert raised.value.code == "disk_full"
    check_disk(tmp_path, 1)


def test_what_running_downloads_still_need_is_not_given_out_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Two of 30 GB do not both begin on a disk with 40; the second may when enough of the first has come or gone."""
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10**12, 0, 40 * 10**9))
    disk, missing = Disk(), {"first": 30 * 10**9}
    with disk.claim(tmp_path, lambda: missing["first"]):
        with (
            pytest.raises(errors.DownloadFailed, match=r"of which other downloads need 30.0 GB"),
            disk.claim(tmp_path, lambda: 30 * 10**9),
        ):
            pass
        missing["first"] = 5 * 10**9
        with disk.claim(tmp_path, lambda: 30 * 10**9):
            pass
    with disk.claim(tmp_path, lambda: 39 * 10**9):
        pass
