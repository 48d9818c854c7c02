"""What makes the program that needs no Python, as far as it can be tried without building it.

The build itself is tried by packaging/check_build.py (docs/building.md).
"""

from __future__ import annotations

import importlib.util
import io
import struct
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

PACKAGING = Path(__file__).parents[2] / "packaging"


def load(name: str) -> ModuleType:
    """A script of packaging/ as a module."""
    spec = importlib.util.spec_from_file_location(f"packaging_{name}", PACKAGING / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def icon() -> ModuleType:
    return load("icon")


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """build.py, writing below a temporary folder."""
    module = load("build")
    monkeypatch.setattr(module, "BUILD", tmp_path)
    return module


class NoSteps:
    """Steps that show nothing."""

    def step(self, title: str):
        return io.StringIO()


def pixels(png: bytes) -> np.ndarray:
    """The RGBA pixels of a PNG as icon.py writes it: one IDAT, no filter."""
    width, height = struct.unpack(">II", png[16:24])
    start = png.index(b"IDAT")
    (length,) = struct.unpack(">I", png[start - 4 : start])
    rows = np.frombuffer(zlib.decompress(png[start + 4 : start + 4 + length]), np.uint8)
    return rows.reshape(height, 1 + width * 4)[:, 1:].reshape(height, width, 4)


def test_the_png_that_is_kept_is_the_svg(icon):
    """Whoever changes the drawing runs packaging/icon.py."""
    assert np.array_equal(pixels(icon.PNG.read_bytes()), icon.draw(icon.PNG_SIZE))


def test_the_windows_icon_has_every_size_as_a_whole_png(icon):
    """Directory and images fit together."""
    data = icon.ico()
    assert struct.unpack("<HHH", data[:6]) == (0, 1, len(icon.ICO_SIZES))
    for index, size in enumerate(icon.ICO_SIZES):
        row = struct.unpack("<BBBBHHII", data[6 + 16 * index : 22 + 16 * index])
        assert row[0] == size % 256
        image = data[row[7] : row[7] + row[6]]
        assert struct.unpack(">II", image[16:24]) == (size, size)
        assert image.endswith(b"IEND\xaeB`\x82")


def test_the_mac_icon_is_blocks_that_fill_it_exactly(icon, monkeypatch):
    """Each block's length leads to the next one, and the last to the end."""
    monkeypatch.setattr(icon, "ICNS_TYPES", {b"icp4": 16, b"icp5": 32})
    data = icon.icns()
    assert data[:4] == b"icns"
    assert struct.unpack(">I", data[4:8]) == (len(data),)
    at, names = 8, []
    while at < len(data):
        names.append(data[at : at + 4])
        at += struct.unpack(">I", data[at + 4 : at + 8])[0]
    assert (at, names) == (len(data), [b"icp4", b"icp5"])


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_the_archive_holds_the_folder_with_its_links_and_any_names(build, tmp_path, monkeypatch, platform):
    """tar.gz where links and rights matter, zip for Windows."""
    folder = tmp_path / "dist" / "localllm"
    folder.mkdir(parents=True)
    (folder / "файл 文件").write_text("x", encoding="utf-8")
    if platform != "win32" and sys.platform != "win32":
        (folder / "link").symlink_to("файл 文件")
    monkeypatch.setattr(sys, "platform", platform)
    archive = build.pack(folder, NoSteps())
    monkeypatch.undo()
    if platform == "win32":
        with zipfile.ZipFile(archive) as zipped:
            assert "localllm/файл 文件" in zipped.namelist()
        return
    with tarfile.open(archive) as tar:
        assert "localllm/файл 文件" in tar.getnames()
        if sys.platform != "win32":
            assert tar.getmember("localllm/link").issym()


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_a_link_takes_no_room(build, tmp_path):
    """The size that is told is what unpacking takes."""
    (tmp_path / "file").write_bytes(b"x" * 1000)
    (tmp_path / "link").symlink_to("file")
    assert build.size_bytes(tmp_path) == 1000


def test_llama_cpp_is_never_built_for_this_very_processor(build):
    """A program that is given away must run on other computers."""
    assert "-DGGML_NATIVE=OFF" in build.PORTABLE


def test_the_programs_own_libraries_are_kept_from_the_browser(monkeypatch):
    """A frozen program's LD_LIBRARY_PATH would make the browser load our libraries."""
    frozen = load("frozen_main")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/program/_internal")
    monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", "/the/persons")
    frozen.restore_library_path()
    assert frozen.os.environ["LD_LIBRARY_PATH"] == "/the/persons"
    assert "LD_LIBRARY_PATH_ORIG" not in frozen.os.environ
    monkeypatch.delenv("LD_LIBRARY_PATH_ORIG", raising=False)
    frozen.restore_library_path()
    assert "LD_LIBRARY_PATH" not in frozen.os.environ


def test_the_spec_can_be_read():
    """It is Python that only PyInstaller runs."""
    text = (PACKAGING / "localllm.spec").read_text(encoding="utf-8")
    compile(text, "localllm.spec", "exec")
