# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The gate returns to a good version when episodes get worse, and rarely otherwise."""

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from scipy.stats import beta

from inril_ros.transport.weights.gate import GateConfig, GateError, VersionGate
from inril_ros.transport.weights.outcome_comparison import lower_bound, SequentialTest, Verdict


@pytest.mark.parametrize(('successes', 'episodes'), [(0, 5), (1, 5), (5, 5), (18, 20), (50, 100)])
@pytest.mark.parametrize('error', [0.01, 0.05])
def test_the_lower_bound_is_that_of_clopper_and_pearson(successes, episodes, error):
    exact = beta.ppf(error, successes, episodes - successes + 1) if successes else 0.0
    assert lower_bound(successes, episodes, error) == pytest.approx(exact, abs=1e-9)


def decided(rate, good, drop, false_alarm, miss, runs, most, seed=0):
    """Run tests on episodes with a success rate; return the shares of WORSE and NOT_WORSE."""
    random = np.random.default_rng(seed)
    verdicts = []
    for _ in range(runs):
        test = SequentialTest(good, drop, false_alarm, miss)
        for _ in range(most):
            if test.add(random.random() < rate) is not Verdict.OPEN:
                break
        verdicts.append(test.verdict)
    return [verdicts.count(verdict) / runs for verdict in (Verdict.WORSE, Verdict.NOT_WORSE)]


@pytest.mark.parametrize('good', [0.3, 0.6, 0.9])
def test_false_alarms_and_misses_are_no_more_frequent_than_stated(good):
    """Errors are most frequent at the boundary; within 3 standard errors of the simulation."""
    runs, error = 2000, 0.1
    slack = 3 * np.sqrt(error * (1 - error) / runs)
    worse, _ = decided(good, good, 0.2, error, error, runs, 2000)
    assert worse <= error + slack
    _, not_worse = decided(good - 0.2, good, 0.2, error, error, runs, 2000)
    assert not_worse <= error + slack


def test_the_expected_likelihood_ratio_is_1_at_the_boundary_and_less_above():
    """The expected likelihood ratio after an episode is 1 at the good rate, less above it."""
    test = SequentialTest(0.7, 0.3, 0.01, 0.1)
    success, failure = test._factor[True], test._factor[False]
    assert 0.7 * success + 0.3 * failure == pytest.approx(1.0)
    assert 0.9 * success + 0.1 * failure < 1.0


@pytest.mark.parametrize('wrong', [
    {'drop': 0.0}, {'drop': 1.0}, {'false_alarm': 0.0}, {'miss': 1.0}])
def test_invalid_probabilities_are_refused(wrong):
    with pytest.raises(ValueError, match='must be within'):
        SequentialTest(**{'good': 0.5, 'drop': 0.2, 'false_alarm': 0.1, 'miss': 0.1, **wrong})


def driven(gate, outcomes, version=0, helped=False):
    """End episodes, a new version before each; return the gate's rollback targets by index."""
    returns = {}
    for index, success in enumerate(outcomes):
        version += 1
        if gate.takes_new():
            gate.note_acting(version)
        back = gate.on_episode_end(success, helped)
        if back is not None:
            returns[index] = back
    return returns


def test_a_collapsed_policy_is_rolled_back_to_the_previous_version():
    gate = VersionGate(GateConfig())
    assert driven(gate, [True] * 20) == {}
    good = gate.good
    assert good == 20 and gate.on_trial and gate.evidence == 1.0
    [(episodes, back)] = driven(gate, [False] * 12, 20).items()
    assert back == gate.good == gate.acting == good
    assert episodes < 12 and gate.rollbacks == 1
    assert 'clearly worse' in gate.reason and not gate.on_trial
    assert not gate.takes_new()


def test_a_version_that_a_person_has_to_rescue_is_taken_back_as_one_that_fails():
    rescued, failing = VersionGate(GateConfig()), VersionGate(GateConfig())
    for gate in (rescued, failing):
        driven(gate, [True] * 20)
    returned = driven(rescued, [True] * 12, 20, helped=True)
    assert list(returned.values()) == [20]
    assert returned == driven(failing, [False] * 12, 20)
    assert rescued.reason == failing.reason


def test_rescues_set_no_good_reference():
    gate = VersionGate(GateConfig())
    driven(gate, [True] * 20, helped=True)
    assert '0 of 20 episodes succeeded without a person' in gate.reason
    driven(gate, [False] * 40, 20)
    assert gate.rollbacks == 0  # nothing was shown that could be lost


def test_the_newest_version_is_retried_until_an_operator_is_needed():
    config = GateConfig(reference=10, rest=4, most_rollbacks=2)
    gate = VersionGate(config)
    driven(gate, [True] * 10)
    good = gate.good
    driven(gate, [False] * (failures_to_rollback(config) + 4), 10)
    assert gate.takes_new() and gate.acting == good and gate.rollbacks == 1
    driven(gate, [False] * failures_to_rollback(config), 40)
    assert gate.rollbacks == 2 and gate.pinned and 'until an operator unpins' in gate.reason
    assert driven(gate, [True] * 50, 80) == {} and gate.acting == good
    gate.unpin()
    assert gate.takes_new() and gate.on_trial
    driven(gate, [True] * 20, 200)
    assert gate.good > 200


def failures_to_rollback(config):
    """Return the number of failures in a row that ends in a rollback to a perfect reference."""
    bar = lower_bound(config.reference, config.reference, config.reference_error / 2)
    test = SequentialTest(bar, config.drop, config.false_alarm, config.miss)
    while test.add(False) is Verdict.OPEN:
        pass
    return test.episodes


def test_without_automatic_rollback_the_gate_only_reports():
    gate = VersionGate(GateConfig(automatic=False))
    driven(gate, [True] * 20)
    assert driven(gate, [False] * 40, 20) == {}
    assert gate.acting == 60 and gate.rollbacks == 0 and 'it stays' in gate.reason


def test_an_operator_pins_rolls_back_and_unpins():
    gate = VersionGate(GateConfig())
    with pytest.raises(GateError, match='version 0 is the last good one, and acts'):
        gate.roll_back()
    gate.note_acting(3)
    gate.pin()
    assert not gate.takes_new() and gate.acting == 3
    assert gate.roll_back() == 0
    assert gate.acting == 0 and gate.pinned and gate.rollbacks == 1
    gate.unpin()
    assert gate.takes_new()


def test_slow_decline_is_measured_against_the_best_version():
    """Ten points less each time would pass each trial against the previous version."""
    random = np.random.default_rng(1)
    gate = VersionGate(GateConfig())
    returned = {}
    for step, rate in enumerate((0.95, 0.85, 0.75, 0.65, 0.55, 0.45, 0.35, 0.25)):
        returned |= driven(gate, random.random(40) < rate, 100 * step)
    assert returned


def test_a_steady_policy_is_rarely_rolled_back():
    """Each run has dozens of trials; with these settings about one run in a hundred errs."""
    random = np.random.default_rng(2)
    for rate in (0.2, 0.5, 0.9):
        gates = [VersionGate(GateConfig()) for _ in range(40)]
        for gate in gates:
            driven(gate, random.random(200) < rate)
        assert sum(gate.rollbacks > 0 for gate in gates) <= 2


commands = st.lists(st.sampled_from(
    ['new', 'good', 'bad', 'bad', 'rescued', 'pin', 'unpin', 'back']))


@settings(max_examples=300)
@given(commands, st.booleans())
def test_rollbacks_go_only_to_versions_that_acted_before(events, automatic):
    gate = VersionGate(GateConfig(
        automatic=automatic, reference=3, rest=2, most_rollbacks=2, false_alarm=0.2))
    acted, version = {0}, 0
    for event in events:
        before = gate.acting
        if event == 'new':
            version += 1
            if gate.takes_new():
                gate.note_acting(version)
                acted.add(version)
        elif event in ('good', 'bad', 'rescued'):
            back = gate.on_episode_end(event != 'bad', helped=event == 'rescued')
            assert back is None or (automatic and back == gate.good == gate.acting != before)
        elif event == 'back':
            try:
                assert gate.roll_back() == gate.good
            except GateError:
                assert before == gate.good
        else:
            getattr(gate, event)()
            assert gate.acting == before and gate.pinned is (event == 'pin')
        assert gate.good in acted and gate.acting in acted
        assert gate.acting == before or event != 'pin'
        assert gate.evidence >= 0.0 and (not gate.pinned or not gate.takes_new())
