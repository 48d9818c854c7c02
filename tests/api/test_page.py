"""What the server does for the page: its files, clean Markdown, state, figures, errors, found models, the end."""

from __future__ import annotations

import logging
import re
import threading
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localllm import errors
from localllm.api.app import create_app
from localllm.api.job import Admission, Services
from localllm.api.page_errors import RecentErrors
from localllm.api.page_figures import History
from localllm.api.page_html import MAX_CODE_CHARS, MAX_TEXT_CHARS, render
from localllm.api.page_state import State
from localllm.config import Config
from localllm.engine.messages import EngineStats
from localllm.models.catalog import Catalog
from localllm.models.memory import Memory
from localllm.models.pool import Pool
from localllm.paths import Paths
from tests import tiny_models
from tests.api.http import Client
from tests.waiting import wait_until


class Seen(HTMLParser):
    """The tags and attributes of a text, as a browser would read them."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs


def html(text: str) -> str:
    return "".join(block.html for block in render(text))


# ── files ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_needs_no_key_and_everything_it_asks_for_does(serve):
    """Its files are the same for everybody; what they show is not."""
    client: Client = serve(api_key="sk")
    page = client.get("/")
    assert page.status == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    for path in re.findall(rb'(?:href|src)="(/page/[^"]+)"', page.body):
        assert client.get(path.decode()).status == 200
    for path in ("/page/state", "/page/figures", "/page/log?model=guide", "/page/found"):
        assert client.get(path).status == 401
    assert client.post("/page/markdown", {"texts": ["a"]}).status == 401
    assert client.post("/quit", {}).status == 401


def test_without_javascript_the_page_says_the_address_it_was_asked_by(client: Client):
    """Whatever the port: the command it shows works as it stands."""
    shown = client.get("/").body.decode()
    assert f"curl http://{client.host}:{client.port}/v1/models" in shown
    assert "{{" not in shown


@pytest.mark.parametrize(
    "path",
    ["/page/js/../../api/key.py", "/page/nothing.js", "/page/", "/page/js/main.py", "/page/%2e%2e/errors.py"],
)
def test_only_files_of_the_page_are_given(client: Client, path):
    """Everything else is an unknown route, with an error as everywhere."""
    assert client.get(path).error["code"] == "unknown_route"


def test_the_program_is_ended_only_where_it_can_be(models, client: Client):
    """And never for another site."""
    assert client.post("/quit", {}).error["code"] == "cannot_quit"
    ended = threading.Event()
    app = create_app(models.pool, Config(), ended.set).test_client()
    assert app.post("/quit", json={}, headers={"Origin": "https://evil.example"}).status_code == 403
    assert not ended.is_set()
    assert app.post("/quit", json={}).status_code == 200
    assert ended.is_set()


# ── Markdown ────────────────────────────────────────────────────────────────────────────────────────────────


def test_blocks_end_where_their_lines_end():
    """So that the page can keep the finished ones and send the rest again."""
    text = "# A\n\nb\nc\n\n- d\n- e\n\n```py\nx = 1\n\ny = 2\n```\nf"
    lines = text.split("\n")
    blocks = render(text)
    for block in blocks[:-1]:
        rest = "\n".join(lines[block.end_line :])
        at = blocks.index(block)
        assert [each.html for each in render(rest)] == [each.html for each in blocks[at + 1 :]]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("**a** ~~b~~", "<p><strong>a</strong> <s>b</s></p>\n"),
        ("a\nb", "<p>a<br>\nb</p>\n"),
        ("<b>x</b>", "<p>&lt;b&gt;x&lt;/b&gt;</p>\n"),
        ("[a](javascript:alert(1))", "<p>[a](javascript:alert(1))</p>\n"),
        ("3. a", '<ol start="3">\n<li>a</li>\n</ol>\n'),
    ],
)
def test_markdown_becomes_html(text, wanted):
    """Raw HTML is text, and links lead only where a browser shows something."""
    assert html(text) == wanted


def test_pictures_are_links():
    """A picture's address would tell a foreign server what was said."""
    assert "<img" not in html("![a](https://evil.example/?q=secret)")
    assert 'href="https://evil.example' in html("![a](https://evil.example/?q=secret)")


def test_code_has_colours_and_its_language():
    """Unless it is so long, or so unknown, that it is better without."""
    assert 'class="tok-k"' in html("```python\ndef f(): pass\n```")
    assert 'data-language="python"' in html("```python\nx\n```")
    assert "tok-" not in html("```nonsense\ndef\n```")
    assert "tok-" not in html("```python\n" + "x = 1\n" * MAX_CODE_CHARS + "```")
    assert html("x" * (MAX_TEXT_CHARS + 1)).startswith("<pre>")


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "<script>",
                "<img src=x onerror=a>",
                "`",
                "```",
                "[x](",
                "javascript:",
                ")",
                "!",
                "\n",
                "\n\n",
                "<a href='",
                "'>",
                "- ",
                "> ",
                "|",
                "style=",
                "&#x6a;",
                "data:text/html,",
                '"',
                "on",
                "]: ",
            ]
        ),
        max_size=30,
    ).map("".join)
)
def test_nothing_that_runs_ever_comes_out(text):
    """Whatever a model writes: only known tags, no attribute that acts, no scheme that acts."""
    seen = Seen()
    seen.feed(html(text))
    assert not seen.tags & {"script", "img", "style", "iframe", "form", "input", "svg"}
    known = {"href", "title", "class", "rel", "target", "start", "data-language", "data-align"}
    assert {name for name, _ in seen.attributes} <= known
    links = [value or "" for name, value in seen.attributes if name == "href"]
    assert all(urlsplit(link).scheme in ("", "http", "https", "mailto") for link in links)


def test_wrong_texts_are_refused_by_name(client: Client):
    """As in every endpoint."""
    assert client.post("/page/markdown", {"texts": [1]}).error["param"] == "texts"
    assert (
        client.post("/page/markdown", {"texts": ["*a*"]}).json["texts"][0][0]["html"] == "<p><em>a</em></p>\n"
    )


# ── state and figures ───────────────────────────────────────────────────────────────────────────────────────


def test_the_state_has_every_model_and_memory_that_adds_up(client: Client):
    """Four parts of the memory are the whole of it."""
    client.post("/models/load", {"model": "guide"})
    wait_until(lambda: client.get("/page/state").json["models"][0]["status"] == "loaded")
    body = client.get("/page/state").json
    assert [model["id"] for model in body["models"]] == ["guide", "other"]
    assert body["models"][0]["ram_bytes"] == 1
    memory = body["memory"]
    parts = ("others_bytes", "reserved_bytes", "free_bytes", "kept_free_bytes")
    assert sum(memory[part] for part in parts) == memory["total_bytes"]


def test_the_verdict_counts_with_the_limit_and_not_with_what_is_loaded(tmp_path: Path, tiny_model_path: Path):
    """What the pool would refuse does not fit on the page either."""
    paths = Paths(tmp_path, tmp_path / "cache", tmp_path / "logs")
    paths.catalog.write_text(f"[[model]]\nid = 'm'\nsource = '{tiny_model_path}'\n")
    for limit, fits in ((1_000_000, False), (None, True)):
        pool = Pool(
            Catalog(paths.catalog), paths, memory_limit_bytes=limit, measure=lambda: Memory(1_000_000_000)
        )
        state = State(Services(pool, Config(), Admission(1))).body()
        pool.close()
        assert state["models"][0]["fits"] is fits


def test_why_a_model_could_not_be_loaded_is_in_the_state(client: Client, models):
    """A load that was asked for from the page fails where nobody waits for it."""
    models.engines["other"].load_error = errors.ModelLoadFailed("It is broken.")
    client.post("/models/load", {"model": "other"})
    wait_until(lambda: client.get("/page/state").json["models"][1]["problem"] == "It is broken.")


def stats(**counts: int) -> EngineStats:
    names = EngineStats.__struct_fields__
    return EngineStats(**{name: counts.get(name, 0) for name in names})


def test_rates_are_averages_between_two_looks():
    """Also over a restart of an engine, which counts from nothing; two looks at once are one."""
    now = [100.0]
    history = History(lambda: now[0])
    now[0] += 2
    history.take({"a": stats(num_completion_tokens=20, num_prompt_tokens=10, num_cached_tokens=4)})
    history.take({"a": stats(num_completion_tokens=99)})
    now[0] += 10
    history.take({"a": stats(num_completion_tokens=30, num_running=1)})
    now[0] += 1
    history.take({"a": stats(num_completion_tokens=5)})
    shown = history.shown()
    assert [sample["tokens_per_s"] for sample in shown] == [10.0, 1.0, 5.0]
    assert shown[0]["prompt_tokens_per_s"] == 3.0
    assert [sample["age_s"] for sample in shown] == [11.0, 1.0, 0.0]


def test_looking_at_the_figures_starts_no_engine(client: Client, models):
    """A page that is open all day must not keep models in memory."""
    assert client.get("/page/figures").json["engines"] == []
    assert models.engines["guide"].state == "unloaded"


def test_the_last_errors_are_kept_newest_first():
    """A few dozen, with their time; texts of requests are never logged, so they are not here."""
    recent = RecentErrors()
    for number in range(60):
        recent.handle(logging.LogRecord("localllm", logging.WARNING, "", 0, "error %s", (number,), None))
    assert [each["message"] for each in recent.shown()][:2] == ["error 59", "error 58"]
    assert len(recent.shown()) == 50


def test_an_error_leads_to_the_log_of_the_model_it_names(client: Client, models):
    """Only where there is one; a name that is part of another one is not that model's."""
    models.paths.logs.mkdir(parents=True)
    (models.paths.logs / "engine-guide.log").write_text("GGML_ASSERT\n", encoding="utf-8")
    messages = [
        "The engine of 'guide' has ended.",
        'The model "other" failed.',
        'No "guide-2" here.',
        "No room.",
    ]
    log = logging.getLogger("localllm.test")
    for message in messages:
        log.warning(message)
    shown = client.get("/page/figures").json["errors"][: len(messages)]
    assert [each["message"] for each in shown] == messages[::-1]
    assert [each.get("model") for each in shown] == [None, None, None, "guide"]


def test_the_log_of_an_engine_is_shown(client: Client, models):
    """Its last part; of a model that never ran it is empty, and of an unknown one an error."""
    models.paths.logs.mkdir(parents=True)
    (models.paths.logs / "engine-guide.log").write_text("loaded\n", encoding="utf-8")
    assert client.get("/page/log?model=guide").json["text"] == "loaded\n"
    assert client.get("/page/log?model=other").json["text"] == ""
    assert client.get("/page/log?model=../../etc").status == 404


def test_a_model_of_another_program_is_used_where_it_lies(client: Client, tmp_path: Path, monkeypatch):
    """Only one that was found: the page cannot put any path into the catalog."""
    folder = tmp_path / "llama"
    folder.mkdir()
    tiny_models.write(folder / "Tiny Model.gguf")
    monkeypatch.setenv("LLAMA_CACHE", str(folder))
    monkeypatch.setattr("localllm.models.discover.MIN_MODEL_BYTES", 1)
    (row,) = [each for each in client.get("/page/found").json["found"] if each["program"] == "llama.cpp"]
    assert not row["is_known"]
    assert client.post("/page/found", {"path": "/etc/passwd"}).error["param"] == "path"
    assert client.post("/page/found", {"path": row["path"]}).json["model"] == "tiny-model"
    (row,) = [each for each in client.get("/page/found").json["found"] if each["program"] == "llama.cpp"]
    assert row["is_known"]


def test_a_download_is_paused_and_resumed_only_where_there_is_one(client: Client):
    """With the name that was wrong."""
    for change in ("pause", "resume"):
        assert client.post(f"/models/downloads/{change}", {"model": "guide"}).error["param"] == "model"
