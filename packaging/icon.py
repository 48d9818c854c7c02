"""The icon as the systems want it (PNG, ICO, ICNS), drawn from localllm/desktop/icons/localllm.svg.

    python packaging/icon.py                    draw localllm.png beside the SVG again, after the SVG was changed
    python packaging/icon.py localllm.ico       or .icns: for packaging/build.py

Knows just the shapes that this one SVG uses: rect, circle, polygon, filled with one colour each.
"""

from __future__ import annotations

import struct
import sys
import xml.etree.ElementTree as ET
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

ICONS = Path(__file__).resolve().parent.parent / "localllm" / "desktop" / "icons"
SVG = ICONS / "localllm.svg"
PNG = ICONS / "localllm.png"
PNG_SIZE = 256
FINER = 4  # each pixel is the mean of 4 × 4
ICO_SIZES = (16, 24, 32, 48, 64, 128, 256)
ICNS_TYPES = {b"icp4": 16, b"icp5": 32, b"ic07": 128, b"ic08": 256, b"ic09": 512, b"ic10": 1024}

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def draw(size: int) -> npt.NDArray[np.uint8]:
    """RGBA pixels of shape (size, size, 4)."""
    root = ET.parse(SVG).getroot()
    extent = float(root.attrib["viewBox"].split()[2])
    steps = (np.arange(size * FINER) + 0.5) * extent / (size * FINER)
    x, y = np.meshgrid(steps, steps)
    pixels = np.zeros((*x.shape, 4))
    for shape in root:
        mask = _inside(shape, x, y)
        if mask is not None:
            pixels[mask] = [*bytes.fromhex(shape.attrib["fill"].lstrip("#")), 255]
    pixels[..., :3] *= pixels[..., 3:] / 255  # a mean of colours counts each as far as it is opaque
    mean = pixels.reshape(size, FINER, size, FINER, 4).mean(axis=(1, 3))
    mean[..., :3] /= np.maximum(mean[..., 3:], 1e-9) / 255
    rounded: npt.NDArray[np.uint8] = np.rint(mean).astype(np.uint8)
    return rounded


def _inside(shape: ET.Element, x: Floats, y: Floats) -> Mask | None:
    """Which points the shape covers; None for what is no shape (a comment)."""
    kind = str(shape.tag).rpartition("}")[2]
    number = {name: float(v) for name, v in shape.attrib.items() if name not in ("fill", "points")}
    if kind == "rect":
        half_w, half_h, radius = number["width"] / 2, number["height"] / 2, number.get("rx", 0.0)
        dx = np.maximum(np.abs(x - number["x"] - half_w) - half_w + radius, 0)
        dy = np.maximum(np.abs(y - number["y"] - half_h) - half_h + radius, 0)
        rect: Mask = dx**2 + dy**2 <= radius**2
        return rect
    if kind == "circle":
        circle: Mask = (x - number["cx"]) ** 2 + (y - number["cy"]) ** 2 <= number["r"] ** 2
        return circle
    if kind == "polygon":
        return _in_polygon([tuple(map(float, p.split(","))) for p in shape.attrib["points"].split()], x, y)
    return None


def _in_polygon(points: list[tuple[float, ...]], x: Floats, y: Floats) -> Mask:
    """By the number of edges that a ray to the right crosses."""
    inside: Mask = np.zeros(x.shape, dtype=bool)
    for (x1, y1), (x2, y2) in zip(points, points[1:] + points[:1], strict=True):
        if y1 != y2:
            crosses = ((y1 > y) != (y2 > y)) & (x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
            inside ^= crosses
    return inside


def png(size: int) -> bytes:
    """A PNG file of the icon."""
    rows = b"".join(b"\0" + row.tobytes() for row in draw(size))
    head = struct.pack(">IIBBBBB", size, size, 8, 6, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def ico() -> bytes:
    """A Windows icon: a directory, then a PNG per size."""
    images = [png(size) for size in ICO_SIZES]
    offset = 6 + 16 * len(images)
    directory = struct.pack("<HHH", 0, 1, len(images))
    for size, image in zip(ICO_SIZES, images, strict=True):
        directory += struct.pack("<BBBBHHII", size % 256, size % 256, 0, 0, 1, 32, len(image), offset)
        offset += len(image)
    return directory + b"".join(images)


def icns() -> bytes:
    """A macOS icon: typed blocks, each a PNG."""
    blocks = b"".join(
        name + struct.pack(">I", len(image) + 8) + image
        for name, image in ((name, png(size)) for name, size in ICNS_TYPES.items())
    )
    return b"icns" + struct.pack(">I", len(blocks) + 8) + blocks


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else PNG
    target.write_bytes({".ico": ico, ".icns": icns}.get(target.suffix, lambda: png(PNG_SIZE))())
