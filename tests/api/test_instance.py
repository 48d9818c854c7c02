"""GET /instance: how a second start knows that the server on the port is its own."""

from __future__ import annotations

import pytest

from localllm.api.app import create_app
from localllm.config import Config
from localllm.models.catalog import Catalog
from localllm.models.pool import Pool
from localllm.paths import user_paths
from localllm.proof import proof


@pytest.fixture
def client_of():
    """A client of an app with this token, behind an API key."""
    paths = user_paths()
    pool = Pool(Catalog(paths.catalog), paths)
    yield lambda token: create_app(pool, Config(api_key="key"), instance_token=token).test_client()
    pool.close()


def test_whoever_knows_the_token_recognises_the_proof_and_nobody_learns_the_token(client_of):
    """It needs no key: the proof of one challenge says nothing about another."""
    answer = client_of("secret").get("/instance?challenge=abc")
    assert answer.json == {"proof": proof("secret", "abc")}
    assert b"secret" not in answer.data
    assert proof("secret", "abc") != proof("secret", "abd") != proof("other", "abd")


@pytest.mark.parametrize("query", ["", "?challenge=", f"?challenge={'x' * 201}"])
def test_a_challenge_that_is_none_is_a_bad_request(client_of, query):
    """Not an empty proof, which a cheat could have made."""
    assert client_of("secret").get(f"/instance{query}").status_code == 400


def test_a_server_without_a_token_proves_nothing(client_of):
    """An empty token would be known to everybody."""
    assert client_of("").get("/instance?challenge=abc").status_code == 404
