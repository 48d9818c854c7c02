"""What every room's tests share: real model files, and the rule that CI skips nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from pathlib import Path

import pytest

from localllm import paths
from tests import tiny_models

IS_CI = os.environ.get("LOCALLLM_CI") == "1"
# Started in the background, what tests start would never see Ctrl-C.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI everything a test may need is installed, so a skip there is a failure."""
    report = yield
    if IS_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI, where nothing may be missing: {report.longrepr}"
    return report


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Slow tests run only when asked for (`-m slow`): the default run stays under five minutes."""
    if "slow" in (config.option.markexpr or ""):
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in slow]


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's own folders."""
    monkeypatch.setenv("LOCALLLM_HOME", str(tmp_path_factory.mktemp("home")))


@pytest.fixture(scope="session")
def guide_path() -> Path:
    """The embedded model: small, and trained."""
    return paths.PACKAGE_DIR / "guide.gguf"


@pytest.fixture(scope="session")
def tiny_model_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A llama-architecture model of two layers with random weights and a ChatML template."""
    return tiny_models.write(tmp_path_factory.mktemp("models") / "tiny.gguf")
