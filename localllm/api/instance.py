"""GET /instance: proves to a second start that the server on this port is the one of its own person.

The token of a run lies in the person's data folder, where others cannot read it. Whoever sends a challenge gets its
HMAC under the token: a program that merely answers on the port cannot make it, and the token itself never travels.
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from localllm import errors
from localllm.api.envelope import json_response
from localllm.proof import proof

MAX_CHALLENGE = 200


def blueprint(token: str) -> Blueprint:
    """token: of this run; empty where nobody keeps one."""
    routes = Blueprint("instance", __name__)

    @routes.get("/instance")
    def prove() -> Response:
        challenge = request.args.get("challenge", "")
        if not token:
            raise errors.NotFound("This server keeps no token to prove itself with.")
        if not 0 < len(challenge) <= MAX_CHALLENGE:
            raise errors.InvalidRequest(
                f"`challenge` must have 1 to {MAX_CHALLENGE} characters.", param="challenge"
            )
        return json_response({"proof": proof(token, challenge)})

    return routes
