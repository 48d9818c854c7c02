"""The output items of the last responses: clients may send the id of one (`item_reference`) instead of the item.

Vercel's AI SDK does so by default. Kept in memory only, bounded by number and size, and gone at the end of the
program; a request with `store: false` leaves nothing here.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

import msgspec

MAX_ITEMS = 4096
MAX_BYTES = 16 * 1024 * 1024


class ItemMemory:
    """The newest items by id. Any thread may call it."""

    def __init__(self, max_items: int = MAX_ITEMS, max_bytes: int = MAX_BYTES) -> None:
        self._lock = threading.Lock()
        self._items: OrderedDict[str, bytes] = OrderedDict()
        self._num_bytes = 0
        self._max_items, self._max_bytes = max_items, max_bytes

    def keep(self, items: Iterable[dict[str, Any]]) -> None:
        """Remember finished items; the oldest make room."""
        with self._lock:
            for item in items:
                data = msgspec.json.encode(item)
                self._num_bytes += len(data) - len(self._items.pop(item["id"], b""))
                self._items[item["id"]] = data
            while self._items and (len(self._items) > self._max_items or self._num_bytes > self._max_bytes):
                _, oldest = self._items.popitem(last=False)
                self._num_bytes -= len(oldest)

    def recall(self, item_id: str) -> dict[str, Any] | None:
        """The item, or None where it is not known any more."""
        with self._lock:
            data = self._items.get(item_id)
        return msgspec.json.decode(data, type=dict[str, Any]) if data is not None else None
