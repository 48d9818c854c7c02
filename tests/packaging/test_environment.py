"""Where the environment lives and when it is finished."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from setting_up import environment as room
from setting_up.environment import Environment, Project, Stamp
from setting_up.steps import SetupFailed

STAMP = Stamp(root="/here", python="3.12", llama="1.2.3", build="auto", project="abc", extras=["test"])


@pytest.mark.parametrize(
    ("wanted", "change"),
    [
        (STAMP, "nothing"),
        (replace(STAMP, extras=[]), "nothing"),
        (replace(STAMP, extras=["docs"]), "update"),
        (replace(STAMP, project="def"), "update"),
        (replace(STAMP, llama="1.2.4"), "update"),
        (replace(STAMP, build="cuda"), "afresh"),
        (replace(STAMP, python="3.13"), "afresh"),
        (replace(STAMP, root="/moved"), "afresh"),
    ],
)
def test_only_what_differs_is_done_again(wanted, change):
    """Another Python, another build or a moved checkout need a new environment; the rest is added."""
    assert STAMP.change_to(wanted) == change


def test_an_environment_counts_only_when_it_is_finished(tmp_path):
    """Nothing, half of it, and a stamp cut short all mean: not there."""
    environment = Environment(tmp_path)
    assert environment.stamp() is None
    environment.begin()
    assert environment.stamp() is None
    environment.finish(STAMP)
    assert environment.stamp() == STAMP
    text = (tmp_path / "setup.json").read_text("utf-8")
    for length in range(len(text)):
        (tmp_path / "setup.json").write_text(text[:length], encoding="utf-8")
        assert environment.stamp() is None


def test_an_environment_whose_python_is_gone_has_no_version(tmp_path):
    """The system's Python was removed under it."""
    assert Environment(tmp_path).python_version() == ""


def test_emptying_keeps_the_log(tmp_path):
    """What an earlier attempt said stays readable."""
    environment = Environment(tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "pyvenv.cfg").touch()
    environment.log.write_text("what happened", encoding="utf-8")
    environment.empty()
    assert [path.name for path in tmp_path.iterdir()] == ["setup.log"]


def test_what_cannot_be_emptied_is_said_in_a_sentence(tmp_path, monkeypatch):
    """On Windows a program that runs cannot be removed."""

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Access is denied", str(path))

    (tmp_path / "localllm.exe").touch()
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(SetupFailed, match="quit localllm and start again"):
        Environment(tmp_path).empty()


def test_a_checkout_that_cannot_be_written_gets_a_folder_in_the_users_cache(tmp_path, monkeypatch):
    """Two read-only checkouts have two environments."""
    monkeypatch.setattr(room, "_can_write", lambda folder: False)
    monkeypatch.setattr(room, "user_cache", lambda: tmp_path / "cache")
    one, other = (room.environment_of(tmp_path / name).folder for name in ("one", "other"))
    assert one.parent == other.parent == tmp_path / "cache" / "environments"
    assert one != other


def test_a_checkout_that_can_be_written_keeps_its_environment_beside_the_code(tmp_path):
    """`.venv` is where editors look for it, and nothing else is left behind by the look."""
    assert room.environment_of(tmp_path).folder == tmp_path / ".venv"
    assert list(tmp_path.iterdir()) == []


def test_the_projects_own_pyproject_is_read():
    """The pin of llama-cpp-python is where start.py looks for it."""
    root = Path(__file__).parents[2]
    version = Project.read(root).llama
    assert f'"llama-cpp-python=={version}"' in (root / "pyproject.toml").read_text("utf-8")
