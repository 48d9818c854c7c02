"""Who may come in: names, origins, keys, content types, sizes."""

from __future__ import annotations

import re
import stat
import sys

import pytest

from localllm.api import origins
from localllm.api.key import stored_key, with_key
from localllm.config import Config
from localllm.errors import ConfigError
from localllm.paths import Paths

BODY = {"model": "guide", "messages": [{"role": "user", "content": "Hi"}]}
CHAT = "/v1/chat/completions"

OWN_HOSTS = [
    "localhost", "localhost:5757", "LOCALHOST:80", "127.0.0.1:5757", "127.1.2.3", "[::1]:5757", "[::1]",
    "app.localhost:1", "host.docker.internal:5757", "192.168.1.20:5757", "localhost.",
]  # fmt: skip
FOREIGN_HOSTS = [
    "evil.com", "localhost.evil.com", "evil.com:5757", "127.0.0.1.evil.com", "notlocalhost", "", "a b", "localhost:x",
    "localhost@evil.com", "[evil]", "1.2.3", "evil.com/localhost",
]  # fmt: skip
LOCAL_ORIGINS = [
    "http://localhost:3000", "https://localhost", "http://127.0.0.1:8080", "http://[::1]:3000", "http://x.localhost",
    "app://obsidian.md", "vscode-webview://1a2b", "tauri://localhost",
]  # fmt: skip
FOREIGN_ORIGINS = [
    "http://localhost.evil.com", "http://localhost:3000.evil.com", "https://evil.com", "http://evillocalhost", "null",
    "http://127.0.0.1.evil.com", "http://localhost:3000@evil.com", "file://", "http://evil.com#localhost", "",
    "chrome-extension://abc", "http://localhost:3000\nx",
]  # fmt: skip


@pytest.mark.parametrize("host", OWN_HOSTS)
def test_the_machines_own_names_are_answered(host):
    """Every way in which this machine, a container or a neighbour addresses it."""
    assert origins.is_own_host(host)


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_a_name_that_somebody_else_controls_is_not(host):
    """DNS rebinding: a web page points its own name to 127.0.0.1 and then talks to us."""
    assert not origins.is_own_host(host)


def test_the_machines_network_name_and_configured_names_are_its_own():
    """hostname, hostname.local, and what the person allows."""
    import socket

    name = socket.gethostname().split(".")[0]
    assert origins.is_own_host(f"{name}:5757")
    assert origins.is_own_host(f"{name}.local")
    assert origins.is_own_host("llm.example.org", ("llm.example.org",))


@pytest.mark.parametrize("origin", LOCAL_ORIGINS)
def test_local_pages_may_ask(client, origin):
    """Open WebUI in the browser on this machine, editors, desktop apps."""
    answer = client.post(CHAT, BODY, {"Origin": origin})
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == origin


@pytest.mark.parametrize("origin", [o for o in FOREIGN_ORIGINS if "\n" not in o])
def test_foreign_pages_may_not(client, engine, origin):
    """A 403 before anything runs, and no CORS header that would let the page read it."""
    answer = client.post(CHAT, BODY, {"Origin": origin})
    assert answer.status == 403
    assert answer.error["code"] == "origin_not_allowed"
    assert "access-control-allow-origin" not in answer.headers
    assert not engine.submits


def test_origin_patterns_are_anchored_at_both_ends():
    """flask-cors searches string patterns anywhere in the origin; compiled and anchored ones it does not."""
    patterns = origins.origin_patterns(("https://*.example.org", "http://wiki"))
    assert all(isinstance(p, re.Pattern) and p.pattern.startswith("^") for p in patterns)
    assert not [o for o in FOREIGN_ORIGINS if origins.is_allowed_origin(o, patterns)]
    assert origins.is_allowed_origin("https://a.example.org", patterns)
    assert not origins.is_allowed_origin("https://a.example.org.evil.com", patterns)
    assert not origins.is_allowed_origin("https://evil.com/.example.org", patterns)


def test_a_configured_origin_is_let_in(serve):
    """cors_origins in settings.toml."""
    client = serve(cors_origins=("https://chat.example.org",))
    answer = client.post(CHAT, BODY, {"Origin": "https://chat.example.org"})
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "https://chat.example.org"


def test_the_servers_own_page_may_ask_under_any_name_it_has(serve):
    """Same origin: the page was served by this address."""
    client = serve(allowed_hosts=("llm.home",))
    assert client.post(CHAT, BODY, {"Host": "llm.home:80", "Origin": "http://llm.home:80"}).status == 200


def test_a_cross_site_request_without_origin_is_refused(client):
    """Browsers say it in Sec-Fetch-Site; programs send no such header."""
    assert client.post(CHAT, BODY, {"Sec-Fetch-Site": "cross-site"}).status == 403
    assert client.post(CHAT, BODY, {"Sec-Fetch-Site": "same-origin"}).status == 200
    assert client.get("/v1/models", {"Sec-Fetch-Site": "cross-site"}).status == 200


def test_a_preflight_is_answered_with_the_headers_it_asks_for(client):
    """openai-node in a browser sends about ten x-stainless headers; no fixed list has them all."""
    asked = "authorization, content-type, x-stainless-arch, x-stainless-retry-count"
    sent = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "POST"}
    answer = client.request("OPTIONS", CHAT, None, sent | {"Access-Control-Request-Headers": asked})
    assert answer.status == 204
    allowed = answer.headers["access-control-allow-headers"].lower().replace(" ", "").split(",")
    assert sorted(allowed) == sorted(asked.replace(" ", "").split(","))
    assert "POST" in answer.headers["access-control-allow-methods"]
    foreign = client.request("OPTIONS", CHAT, None, sent | {"Origin": "https://evil.com"})
    assert "access-control-allow-origin" not in foreign.headers


def test_a_foreign_host_name_is_refused_everywhere(client):
    """The page, the models and the health too: a rebound name reads nothing."""
    for path in ("/", "/health", "/v1/models", "/nope"):
        answer = client.get(path, {"Host": "evil.com"})
        assert answer.status == 403
        assert answer.error["code"] == "host_not_allowed"


def test_without_a_configured_key_any_is_accepted(client):
    """Clients insist on sending something."""
    for headers in ({}, {"Authorization": "Bearer lit"}, {"x-api-key": "x"}, {"Authorization": "Basic eDp5"}):
        assert client.post(CHAT, BODY, headers).status == 200


def test_a_configured_key_is_needed(serve, engine):
    """401 in OpenAI's envelope, for GET too; as Bearer or x-api-key it opens."""
    client = serve(api_key="secret")
    for headers in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "secret"},
        {"x-api-key": "sécret"},
    ):
        for answer in (client.post(CHAT, BODY, headers), client.get("/v1/models", headers)):
            assert answer.status == 401
            assert answer.error["code"] == "invalid_api_key"
            assert answer.headers["www-authenticate"] == "Bearer"
    assert not engine.submits
    assert client.post(CHAT, BODY, {"Authorization": "Bearer secret"}).status == 200
    assert client.post(CHAT, BODY, {"authorization": "bearer  secret "}).status == 200
    assert client.get("/v1/models", {"x-api-key": "secret"}).status == 200


@pytest.mark.parametrize("path", ["/health", "/v1/health"])
def test_health_tells_strangers_nothing_of_the_computer(serve, models, path):
    """Whoever watches the server sees that it answers; models, memory and paths are for those who have the key."""
    models.paths.catalog.write_text("broken", encoding="utf-8")
    client = serve(api_key="secret")
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        answer = client.get(path, headers)
        assert (answer.status, answer.json) == (200, {"status": "ok", "server": "localllm"})
    told = client.get(path, {"Authorization": "Bearer secret"}).json
    assert told["models"]
    assert str(models.paths.catalog) in told["catalog_error"]
    assert serve().get(path).json == told


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_only_json_is_taken(client, content_type):
    """What a web page can send to other sites without asking is exactly what is refused."""
    answer = client.post(CHAT, BODY, {"Content-Type": content_type})
    assert answer.status == 415
    assert "application/json" in answer.error["message"]


def test_json_may_come_with_a_charset(client):
    """application/json; charset=utf-8 is JSON."""
    assert client.post(CHAT, BODY, {"Content-Type": "application/json; charset=utf-8"}).status == 200


def test_a_body_over_the_limit_is_a_413(serve):
    """In the envelope, read by the client before the connection ends."""
    client = serve(max_body_bytes=10_000)
    answer = client.post(CHAT, {**BODY, "user": "x" * 20_000})
    assert answer.status == 413
    assert answer.error["code"] == "request_too_large"


def test_listening_beyond_this_machine_needs_a_key(tmp_path):
    """One is made up, kept for the owner only, and used again the next time."""
    paths = Paths(data=tmp_path, cache=tmp_path, logs=tmp_path)
    assert with_key(Config(), paths).api_key is None
    assert with_key(Config(host="::1"), paths).api_key is None
    key = with_key(Config(host="0.0.0.0"), paths).api_key
    assert key is not None
    assert len(key) > 24
    assert with_key(Config(host="192.168.1.5"), paths).api_key == key
    assert with_key(Config(host="0.0.0.0", api_key="mine"), paths).api_key == "mine"
    if sys.platform != "win32":
        assert stat.S_IMODE(paths.api_key.stat().st_mode) == 0o600


def test_a_key_that_cannot_be_kept_is_an_error_and_not_an_open_door(tmp_path):
    """Better no server than one without a lock."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be"):
        stored_key(tmp_path / "file" / "api-key")
