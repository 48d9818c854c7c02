"""The snippets of the page's Connect view for programs that are not run in tests: each can be read by what reads it.

The others are run, against a real server: tests/browser/test_connect.py. Those of docs/clients.md are read here too.
"""

from __future__ import annotations

import ast
import importlib
import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

NODE = shutil.which("node")
ROOT = Path(__file__).parents[2]
APPLICATIONS = (ROOT / "docs" / "clients.md").read_text(encoding="utf-8").split("\n## Applications\n")[1]

ORIGIN = "http://localhost:6001"
BASE = f"{ORIGIN}/v1"
HARMLESS = ("sk-local-1", "guide")
AWKWARD = ('it\'s a "$KEY" # yes: \\n', "123:1.5")

needs_node = [pytest.mark.node, pytest.mark.skipif(NODE is None, reason="Node.js is not installed")]
yaml: Any = importlib.import_module("yaml")


def made_for(key: str, model: str) -> dict[str, dict[str, Any]]:
    """The page's snippets by id, as its module makes them."""
    assert NODE is not None
    module = (ROOT / "localllm" / "web" / "js" / "connect" / "snippets.js").as_uri()
    given = json.dumps({"origin": ORIGIN, "key": key, "model": model})
    script = f"import {{ snippets }} from '{module}'; console.log(JSON.stringify(snippets({given})));"
    command = [
        NODE, "--experimental-default-type=module", "--no-warnings", "--input-type=module", "--eval", script,
    ]  # fmt: skip
    ended = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120, check=True)
    return {snippet["id"]: snippet for snippet in json.loads(ended.stdout)}


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(HARMLESS, id="usual", marks=needs_node),
        pytest.param(AWKWARD, id="awkward", marks=needs_node),
    ],
)
def made(request):
    """(key, model, snippets). A person chooses the key, and a catalog the name: neither may break a snippet."""
    key, model = request.param
    return key, model, made_for(key, model)


def shell_line(text: str) -> tuple[dict[str, str], list[str]]:
    """The variables that a line sets, and its command."""
    words = shlex.split(text.replace("\\\n", " "))
    num_variables = next(i for i, word in enumerate(words) if not re.match(r"[A-Z_]+=", word))
    return dict(word.split("=", 1) for word in words[:num_variables]), words[num_variables:]


def test_the_lines_for_a_shell_set_address_key_and_model(made):
    """aider and Claude Code take them from the environment."""
    key, model, snippets = made
    variables, command = shell_line(snippets["aider"]["text"])
    assert variables == {"OPENAI_API_BASE": BASE, "OPENAI_API_KEY": key}
    assert command == ["aider", "--model", f"openai/{model}"]
    variables, command = shell_line(snippets["claude-code"]["text"])
    assert variables == {
        "ANTHROPIC_BASE_URL": ORIGIN, "ANTHROPIC_AUTH_TOKEN": key, "ANTHROPIC_MODEL": model,
    }  # fmt: skip
    assert command == ["claude"]


def test_curl_sends_json_with_the_key(made):
    """Its body and its header survive the shell's quotes."""
    key, model, snippets = made
    _, command = shell_line(snippets["curl"]["text"])
    assert command[:3] == ["curl", "-sN", f"{BASE}/chat/completions"]
    assert f"Authorization: Bearer {key}" in command
    assert json.loads(command[command.index("-d") + 1])["model"] == model


def test_continues_yaml_names_address_key_and_model_as_texts(made):
    """Also where a name looks like a number."""
    key, model, snippets = made
    settings = yaml.safe_load(snippets["continue"]["text"])
    (entry,) = settings["models"]
    assert (entry["apiBase"], entry["apiKey"], entry["model"]) == (BASE, key, model)
    assert settings["schema"] == "v1"


def test_python_programs_can_be_read(made):
    """And hold the three as texts."""
    key, model, snippets = made
    for name in ("python", "langchain", "anthropic"):
        tree = ast.parse(snippets[name]["text"])
        texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
        assert {key, model} <= texts, name
        assert texts & {BASE, ORIGIN}, name


def test_fields_to_type_hold_what_is_typed(made):
    """Open WebUI and Cline are set up by hand."""
    key, model, snippets = made
    cline = dict(snippets["cline"]["fields"])
    assert (cline["URL"], cline["key"], cline["model"]) == (BASE, key, model)
    webui = dict(snippets["open-webui"]["fields"])
    assert (webui["URL"], webui["key"]) == (BASE, key)
    assert webui["docker"] == "http://host.docker.internal:6001/v1"
    assert shlex.split(webui["docker_serve"]) == [
        "localllm", "serve", "--host", "172.17.0.1", "--port", "6001",
    ]  # fmt: skip


def test_every_snippet_is_tested_here_or_run(made):
    """A new one must be put into a test."""
    run = {"javascript", "ai-sdk"}
    read = {
        "curl",
        "python",
        "langchain",
        "anthropic",
        "open-webui",
        "cline",
        "continue",
        "aider",
        "claude-code",
    }
    assert set(made[2]) == run | read


def test_what_the_documentation_shows_for_applications_can_be_read():
    """Continue's YAML, Zed's JSON and aider's line."""
    blocks = dict(re.findall(r"^```(\w*)\n(.*?)^```", APPLICATIONS, re.MULTILINE | re.DOTALL))
    (entry,) = yaml.safe_load(blocks["yaml"])["models"]
    assert (entry["apiBase"], entry["model"]) == ("http://localhost:5757/v1", "qwen3.5-4b")
    zed = json.loads(blocks["json"])["language_models"]["openai_compatible"]["localllm"]
    assert zed["api_url"] == "http://localhost:5757/v1"
    variables, command = shell_line(blocks[""])
    assert variables["OPENAI_API_BASE"] == "http://localhost:5757/v1"
    assert command == ["aider", "--model", "openai/qwen3.5-4b"]
