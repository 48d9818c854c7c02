"""Replicas that are killed under load. The run of two minutes: `python -m tests.upstream.survival 120`."""

from __future__ import annotations

import pytest

from tests.upstream.survival import survive


@pytest.mark.slow
def test_no_request_fails_that_had_not_yet_streamed(tmp_path):
    """One of three is killed or frozen every few seconds; only what had begun to stream there gets an error."""
    ends = survive(20, tmp_path)
    assert ends["kills"] >= 3
    assert ends["whole"] > 50
    assert set(ends) <= {"kills", "whole", "cut"}, dict(ends)
