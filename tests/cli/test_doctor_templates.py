"""`localllm doctor` names the models whose files do not say how a chat is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from localllm.cli import doctor
from localllm.paths import user_paths
from tests.gguf_writer import write_gguf


def test_models_without_a_chat_template_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Only those that chat, are here, and have none in the catalog either; it is no fault."""
    monkeypatch.setenv("LOCALLLM_HOME", str(tmp_path))
    write_gguf(tmp_path / "bare.gguf", {"general.architecture": "llama"}, [])
    write_gguf(tmp_path / "full.gguf", {"tokenizer.chat_template": "{{ messages }}"}, [])
    rows = {
        "bare": "source = 'bare.gguf'",
        "full": "source = 'full.gguf'",
        "own": "source = 'bare.gguf'\nchat_template = '{{ messages }}'",
        "vectors": "source = 'bare.gguf'\nkind = 'embedding'",
        "absent": "source = 'absent.gguf'",
    }
    catalog = "".join(f"[[model]]\nid = '{name}'\n{row}\n" for name, row in rows.items())
    user_paths().catalog.write_text(catalog, encoding="utf-8")
    finding = doctor._templates(user_paths())
    assert finding.ok
    assert [line.split(":")[0] for line in finding.details] == ["bare"]
    assert "ChatML" in finding.details[0]
