"""What a deployment, a way back and an alarm leave in the state."""

from __future__ import annotations

from msgspec.structs import replace

from handlers.domain.decisions import transitions
from handlers.domain.decisions.loss_level import LossLevel
from handlers.domain.decisions.recipes import over
from handlers.domain.decisions.state import KNOWN_UNITS, Incumbent, State
from tests.unit.handlers.domain.decisions.samples import shadow, state_with

NEW = Incumbent(2, over(("logistic", "explainable_boosting"), 1), 8)
PROMISE = LossLevel(0.3, 0.1, 800.0)


def tried(**changes: object) -> State:
    return replace(
        state_with(shadow()), cusum=4.0, cusum_units=3, watch_cusum=6.0, adapting=2, quiet=4, clock=3, **changes
    )


def test_a_deployment_puts_the_sums_to_rest_and_keeps_the_model_of_before_as_a_way_back() -> None:
    before = tried(challenge_due=True)
    state = transitions.after(before, NEW, PROMISE, "evidence", 8)
    assert (state.champion, state.reference) == (NEW, PROMISE)
    assert state.previous == before.champion
    assert (state.cusum, state.cusum_units, state.watch_cusum, state.adapting, state.quiet) == (0.0, 0, 0.0, 0, 0)
    assert (state.since, state.shadows, state.clock) == (9, before.shadows, 3)
    assert not state.challenge_due


def test_after_a_first_model_the_clock_starts_and_the_challenge_stays_due() -> None:
    state = transitions.after(tried(challenge_due=True), NEW, PROMISE, "first", 8)
    assert (state.clock, state.wait, state.refreshes) == (transitions.FIRST_CLOCK, 8, 0)
    assert state.challenge_due


def test_the_way_back_can_be_gone_once_and_starts_the_evidence_anew() -> None:
    after = replace(transitions.after(tried(), NEW, PROMISE, "evidence", 8), cusum=9.0, adapting=2)
    back = transitions.rolled_back(after, LossLevel(0.5, 0.2, 900.0), 11)
    assert back.champion == tried().champion
    assert back.previous is None
    assert (back.reference, back.since) == (LossLevel(0.5, 0.2, 900.0), 12)
    assert (back.cusum, back.adapting, back.phase) == (0.0, 0, "stable")


def test_a_model_that_is_deployed_by_hand_is_held_against_its_own_promise_on_what_comes() -> None:
    state = transitions.by_hand(tried(pool=(9, 10), challenge_due=True), NEW, PROMISE, 10)
    assert (state.champion, state.reference, state.since, state.pool) == (NEW, PROMISE, 11, ())
    assert state.previous == tried().champion
    assert not state.challenge_due
    assert (state.cusum, state.adapting, state.clock) == (0.0, 0, transitions.FIRST_CLOCK)


def test_a_model_is_never_its_own_way_back() -> None:
    state = tried()
    assert state.champion is not None
    assert transitions.by_hand(state, state.champion, PROMISE, 10).previous is None
    assert transitions.deployed(state, state.champion, PROMISE).previous is None


def test_an_alarm_dates_the_change_once() -> None:
    first = transitions.alarmed(state_with(), 5, 2)
    assert (first.since, first.adapting, first.clock, first.wait) == (5, 2, 0, 1)
    again = transitions.alarmed(replace(first, adapting=1, clock=3), 7, 2)
    assert (again.since, again.clock, again.adapting) == (5, 3, 1)


def test_units_are_known_up_to_a_limit_and_a_new_one_ends_the_pool() -> None:
    state = state_with(pool=(2, 3))
    for number in range(2, KNOWN_UNITS + 20):
        state = transitions.add_unit(state, (number,), 400)
    assert len(state.units) == KNOWN_UNITS
    assert state.units[-1] == (KNOWN_UNITS + 19,)
    assert state.pool == ()
