"""How a running server proves to a second start that it knows the token of its record. Part of the shelf, because the
server (api/instance.py) and the start (desktop/instance.py) must agree, and the start shall not load a web server."""

from __future__ import annotations

import hashlib
import hmac


def proof(token: str, challenge: str) -> str:
    """Only who has the token can make it, and it tells nothing about the token."""
    return hmac.new(token.encode(), challenge.encode(), hashlib.sha256).hexdigest()
