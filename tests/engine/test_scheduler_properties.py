"""What holds for every schedule: random requests, cancels and steps, on a runner without a model."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localllm.engine.drafting import Drafter
from tests.engine.fakes import A, B, FakePrefiller, Rig

prompts = st.builds(
    lambda base, length, tail: (A + B if base else B + A)[:length] + tail,
    st.booleans(),
    st.integers(0, 90),
    st.lists(st.integers(0, 50), min_size=1, max_size=12),
)
actions = st.lists(
    st.one_of(
        st.tuples(
            st.just("submit"),
            prompts,
            st.integers(1, 40),
            st.integers(1, 3),
            st.sampled_from(["chat", "background"]),
            st.booleans(),
        ),
        st.tuples(st.just("cancel"), st.integers(0, 30)),
        st.tuples(st.just("steps"), st.integers(1, 12)),
    ),
    max_size=30,
)


schedules = given(
    actions=actions,
    num_cells=st.integers(110, 400),
    max_running=st.integers(1, 5),
    can_cut=st.booleans(),
    drafts=st.booleans(),
    kept=st.one_of(st.none(), st.integers(0, 200)),
    period=st.integers(1, 97),
    portion=st.one_of(st.none(), st.integers(1, 60)),
    luck=st.randoms(use_true_random=False),
)


@settings(max_examples=300, deadline=None)
@schedules
def test_whatever_happens_every_request_ends_exactly_once_and_no_cell_is_lost(**schedule):
    """No deadlock, no starvation, no request lost or ended twice, no cell leaked: hundreds of random schedules.

    The fake runner also checks that every cell holds the token the sequence thinks it holds.
    """
    carry_out(**schedule)


@pytest.mark.slow
@settings(max_examples=3000, deadline=None)
@schedules
def test_through_thousands_of_schedules_every_request_ends_exactly_once(**schedule):
    """The same promises as above, through as many schedules as a quiet minute has room for."""
    carry_out(**schedule)


def carry_out(actions, num_cells, max_running, can_cut, drafts, kept, period, portion, luck):
    """Submit, cancel and step as the schedule says, run to the end, and look at what is left.

    portion: how many tokens of a prompt that is read apart are read between two steps; None reads none apart.
    """
    prefiller = None
    if portion and can_cut:
        prefiller = FakePrefiller(
            portion=portion, fails=lambda: luck.random() < 0.1, is_short=lambda: luck.random() < 0.1
        )
    rig = Rig(
        num_cells=num_cells,
        max_running=max_running,
        num_slots=max_running * 2,
        can_cut=can_cut,
        drafter=Drafter() if drafts and can_cut else None,
        kept_beside_streams=kept,
        prefiller=prefiller,
    )
    rig.runner.append_fails = lambda: luck.random() < 0.05
    rig.runner.next_token = lambda held: 1 + len(held) % period  # prompts and answers that look alike
    submitted, cancelled = set(), set()
    for request_id, action in enumerate(actions):
        if action[0] == "submit":
            _, prompt, max_tokens, n, priority, cache_prompt = action
            rig.submit(
                request_id, prompt, max_tokens=max_tokens, n=n, priority=priority, cache_prompt=cache_prompt
            )
            submitted |= {(request_id, index) for index in range(n)}
        elif action[0] == "cancel":
            if rig.core.cancel(action[1]):
                cancelled |= {key for key in submitted if key[0] == action[1] and key not in rig.finished}
        else:
            for _ in range(action[1]):
                if rig.core.has_work:
                    rig.step()
    rig.run()
    assert set(rig.finished) == submitted - cancelled
    assert not rig.runner.open_sequences
    assert prefiller is None or not (prefiller.jobs or prefiller.portions)
    for slot in rig.cache.slots:
        rig.cache.drop(slot)
    assert rig.cache.num_free_cells == num_cells
