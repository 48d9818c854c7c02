"""Real servers behind an entry that forwards to them: `localllm check` on us finds nothing, whatever their faults.

One thing is theirs alone: whether `tool_choice: required` is answered by a call.

Their packages are fetched once, into benchmarks/.venv-peers, so these are slow tests.
"""

from __future__ import annotations

import pytest

from localllm.check import rules
from localllm.check.run import CHECKS, run
from localllm.check.target import Target
from tests.upstream.peers import PEERS, running

pytestmark = pytest.mark.slow

NAMES_THERE = {
    "litserve": "lit",
    "llama.cpp server": "bench",
    "llama_cpp.server": "bench",
    "localllm": "bench",
}


@pytest.mark.parametrize("name", PEERS)
def test_localllm_check_finds_nothing(name, forward, tiny_model_path, tmp_path):
    """Every check, through one hop. llama_cpp.server drops an answer when another is asked for: one at a time there."""
    options = f', model = "{NAMES_THERE[name]}"'
    if name == "llama_cpp.server":
        options += ", num_parallel = 1"
    with running(PEERS[name], tiny_model_path, tmp_path) as url:
        report = run(Target(forward(url, upstream=options).url, model="guide"))
    assert report.checked == list(CHECKS)
    findings = [finding for finding in report.findings if finding.rule is not rules.TOOL_REQUIRED]
    assert not findings, "\n".join(f"{f.rule.id}: {f.sent} → {f.came_back}" for f in findings)
