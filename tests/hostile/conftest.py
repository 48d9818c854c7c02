"""Servers over fake engines, as the API's tests have them."""

from __future__ import annotations

from tests.api.conftest import client, engine, models, serve  # noqa: F401 -- fixtures
