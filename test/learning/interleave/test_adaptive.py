# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Controllers of m: bounds, direction, bad input, and the formula of the best m."""
from __future__ import annotations

from dataclasses import replace
import json
import math
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
import torch

from inril_ros.learning.interleave.adaptive import (
    AlignmentThermostat,
    AnchorConstraint,
    CycleLosses,
    DoseController,
    Event,
    Limits,
)
from inril_ros.learning.interleave.alignment_pool import PooledAlignment
from inril_ros.learning.interleave.dose import Dose
from inril_ros.learning.interleave.model_based import AnchorPrice, ModelBased, optimal_ratio

LIMITS = Limits()
FREE = Limits(smoothing=0.0)


def alignment(cosine: float | None, distinguishable: bool = True) -> PooledAlignment:
    return PooledAlignment(30, cosine, None, 5.0, 0.0, distinguishable, '')


def cycle(a: float = 1.0, phi1: float = 0.0, phi2: float = 0.01, d: float = -1.0,
          units: float = 10.0) -> CycleLosses:
    """Return losses of a cycle in which the RL step and the event have these effects."""
    rise = lambda x: phi1 * x + phi2 * x * x  # noqa: E731
    return CycleLosses(units, units / 2, rl_before=0.0, rl_after=-a * units,
                       rl_imitated=-a * units - d, il_before=2.0,
                       il_middle=2.0 + rise(units / 2), il_after=2.0 + rise(units),
                       il_imitated=2.0 + rise(units))


MAKERS = {
    'thermostat': lambda limits: AlignmentThermostat(limits),
    'model': lambda limits: ModelBased(limits, AnchorPrice(1.0), window=3),
    'anchor': lambda limits: AnchorConstraint(limits, 1.0),
    'dose': lambda limits: DoseController(limits, 0.2),
}
anything = st.one_of(st.none(), st.floats(), st.floats(-3.0, 3.0))
events = st.builds(
    Event,
    alignment=st.one_of(st.none(), st.builds(alignment, anything, st.booleans())),
    losses=st.one_of(st.none(), st.builds(CycleLosses, *[st.one_of(st.floats(),
                                                                   st.floats(-2.0, 50.0))] * 9)),
    heldout_il_loss=anything, dose=anything)
limits = st.tuples(st.floats(1.0, 5.0), st.floats(5.0, 10.0), st.floats(10.0, 100.0),
                   st.floats(0.0, 0.95), st.floats(1.01, 4.0)).map(
    lambda v: Limits(v[0], v[2], v[1], v[3], v[4]))


@pytest.mark.parametrize('kind', sorted(MAKERS))
@given(limits=limits, sequence=st.lists(events, max_size=8))
@settings(max_examples=100, deadline=None)
def test_for_any_input_m_stays_in_bounds_and_changes_in_small_steps(
        kind: str, limits: Limits, sequence: list[Event]) -> None:
    controller = MAKERS[kind](limits)
    assert controller.m == limits.m0
    for event in sequence:
        before = controller.m
        controller.observe(event)
        assert limits.m_min <= controller.m <= limits.m_max
        assert 1 / limits.most_change <= controller.m / before * (1 + 1e-9)
        assert controller.m / before <= limits.most_change * (1 + 1e-9)


@pytest.mark.parametrize('kind', sorted(MAKERS))
@given(sequence=st.lists(events, max_size=8), cut=st.integers(0, 8))
@settings(max_examples=50, deadline=None)
def test_a_controller_continues_where_it_was_saved(kind: str, sequence: list[Event],
                                                   cut: int) -> None:
    whole, first, second = (MAKERS[kind](LIMITS) for _ in range(3))
    for event in sequence:
        whole.observe(event)
    for event in sequence[:cut]:
        first.observe(event)
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    for event in sequence[cut:]:
        second.observe(event)
    assert json.dumps(second.state_dict()) == json.dumps(whole.state_dict())


BAD: list[tuple[str, Event]] = [
    ('thermostat', Event(alignment=alignment(math.nan))),
    ('thermostat', Event(alignment=alignment(-math.inf))),
    ('model', Event(losses=replace(cycle(), rl_after=math.nan))),
    ('model', Event(losses=replace(cycle(), units=0.0))),
    ('model', Event(losses=replace(cycle(), middle_units=10.0))),
    ('model', Event(heldout_il_loss=math.inf)),
    ('model', Event(alignment=alignment(math.nan))),
    ('anchor', Event(heldout_il_loss=math.nan)),
    ('dose', Event(dose=math.inf)),
    ('dose', Event(dose=-1.0)),
]


@pytest.mark.parametrize(('kind', 'event'), BAD)
def test_bad_input_is_ignored_and_counted(kind: str, event: Event) -> None:
    controller, twin = MAKERS[kind](LIMITS), MAKERS[kind](LIMITS)
    controller.observe(event)
    twin.observe(Event())
    assert (controller.ignored, twin.ignored) == (1, 0)
    assert {**controller.state_dict(), 'ignored': 0} == twin.state_dict()


def after(controller: Any, event: Event) -> float:
    controller.observe(event)
    return controller.m


@given(st.floats(-1.5, 1.5), st.floats(-1.5, 1.5))
def test_the_thermostat_imitates_less_with_more_conflict(first: float, second: float) -> None:
    low, high = sorted((first, second))
    assert (after(AlignmentThermostat(LIMITS), Event(alignment(high)))
            <= after(AlignmentThermostat(LIMITS), Event(alignment(low))))


def test_the_thermostat_settles_at_the_value_of_the_formula() -> None:
    controller = AlignmentThermostat(LIMITS, gain=3.0)
    for _ in range(200):
        controller.observe(Event(alignment(-0.2)))
    assert controller.m == pytest.approx(10.0 * math.exp(0.6), rel=1e-6)
    first = AlignmentThermostat(LIMITS)
    assert after(first, Event(alignment(-0.2))) == pytest.approx(10.0 * math.exp(0.06))


@pytest.mark.parametrize('unclear', [alignment(-0.9, distinguishable=False), alignment(None)])
def test_without_a_clear_cosine_the_thermostat_returns_to_m0(unclear: PooledAlignment) -> None:
    controller = AlignmentThermostat(LIMITS)
    assert after(controller, Event(unclear)) == 10.0
    for _ in range(50):
        controller.observe(Event(alignment(0.9)))
    moved = controller.m
    assert moved < 5.0
    assert moved < after(controller, Event(unclear)) < 10.0
    for _ in range(200):
        controller.observe(Event(unclear))
    assert controller.m == pytest.approx(10.0, rel=1e-6)


@given(st.floats(0.0, 10.0), st.floats(0.0, 10.0))
def test_the_anchor_imitates_more_with_a_higher_il_loss(first: float, second: float) -> None:
    low, high = sorted((first, second))
    assert (after(AnchorConstraint(LIMITS, 1.0), Event(heldout_il_loss=high))
            <= after(AnchorConstraint(LIMITS, 1.0), Event(heldout_il_loss=low)))


def test_the_anchor_moves_by_the_relative_excess() -> None:
    controller = AnchorConstraint(LIMITS, reference=2.0, slack=0.5, rate=0.2)
    assert after(controller, Event(heldout_il_loss=3.0)) == pytest.approx(10.0)
    assert after(controller, Event(heldout_il_loss=4.0)) == pytest.approx(10.0 * math.exp(-0.1))


@given(st.floats(0.0, 10.0), st.floats(0.0, 10.0))
def test_a_stronger_dose_means_rarer_imitation(first: float, second: float) -> None:
    low, high = sorted((first, second))
    assert (after(DoseController(LIMITS, 0.2), Event(dose=low))
            <= after(DoseController(LIMITS, 0.2), Event(dose=high)))


@given(st.floats(0.02, 0.5), st.floats(0.1, 5.0))
def test_the_dose_reaches_its_target_within_the_bounds(target: float, step_ratio: float) -> None:
    controller = DoseController(LIMITS, target)
    for _ in range(300):
        controller.observe(Event(dose=step_ratio / controller.m))  # m RL steps per IL step
    assert controller.m == pytest.approx(min(max(step_ratio / target, 2.0), 30.0), rel=1e-3)


def test_the_dose_of_a_cycle_covers_that_cycle_only() -> None:
    parameter, dose = torch.zeros(1), Dose(window=100)
    assert dose.end_cycle() is None
    for rl_steps, il_step in ((4, 1.0), (2, 6.0)):
        for _ in range(rl_steps):
            with dose.rl([parameter]):
                parameter += 2.0
        with dose.il([parameter]):
            parameter -= il_step
        continued = Dose(window=100)
        continued.load_state_dict(json.loads(json.dumps(dose.state_dict())))
        assert continued.end_cycle() == dose.end_cycle() == il_step / (2.0 * rl_steps)
        assert continued.state_dict() == dose.state_dict()
    with dose.il([parameter]):
        parameter += 1.0
    assert dose.end_cycle() is None


numbers = st.floats(-5.0, 5.0)


@given(numbers, st.floats(-1.0, 1.0), numbers, st.floats(0.0, 10.0))
@settings(max_examples=500, deadline=None)
def test_the_optimal_ratio_is_the_best_of_all(a: float, b: float, d: float,
                                              kappa: float) -> None:
    low, high = 2.0, 30.0
    m = np.linspace(low, high, 4001)
    progress = lambda m: (a * m - b * m * m + d) / (m + kappa)  # noqa: E731
    best = optimal_ratio(a, b, d, kappa, (low, high))
    assert low <= best <= high
    assert progress(best) >= progress(m).max() - 1e-9 * (1.0 + np.abs(progress(m)).max())


def test_the_optimal_ratio_by_hand() -> None:
    # kappa 2, gap (1 * 2 + 6) / 0.5 = 16: -2 + sqrt(4 + 16).
    assert optimal_ratio(1.0, 0.5, -6.0, 2.0, (1.0, 30.0)) == pytest.approx(-2 + math.sqrt(20))
    assert optimal_ratio(1.0, 0.5, 6.0, 2.0, (2.0, 30.0)) == 2.0     # helps: as often as allowed
    assert optimal_ratio(1.0, 0.0, -6.0, 2.0, (2.0, 30.0)) == 30.0   # harms, and nothing drifts
    assert optimal_ratio(1.0, 0.0, 6.0, 2.0, (2.0, 30.0)) == 2.0


def model(**changes: Any) -> ModelBased:
    return ModelBased(FREE, AnchorPrice(1.0, rate=0.0, price=1.0), **{'kappa': 2.0, **changes})


def test_the_model_moves_m_to_the_optimum_of_past_cycles() -> None:
    controller = model()
    random = np.random.default_rng(0)
    for _ in range(10):
        noise = 1.0 + 0.01 * random.standard_normal(4)
        controller.observe(Event(losses=cycle(*np.array([1.0, -0.5, 0.05, -6.0]) * noise)))
    # a = 1 + .5, b = .05, d = -6.
    expected = optimal_ratio(1.5, 0.05, -6.0, 2.0, (2.0, 30.0))
    assert controller.estimate() == pytest.approx((1.5, 0.05, -6.0), rel=0.02)
    assert controller.m == pytest.approx(expected, rel=0.02)
    assert 10.0 < controller.m < 20.0
    assert controller.fallbacks == 0


def test_a_price_of_zero_leaves_out_the_il_loss() -> None:
    controller = ModelBased(FREE, AnchorPrice(1.0, rate=0.0, price=0.0), kappa=1.0)
    for _ in range(10):
        controller.observe(Event(losses=cycle(a=1.0, phi1=3.0, phi2=0.3, d=0.5)))
    assert controller.estimate() == pytest.approx((1.0, 1e-12, 0.5))


def test_without_a_clear_model_the_thermostat_decides() -> None:
    controller, thermostat = model(), AlignmentThermostat(FREE)
    clear = alignment(0.3)
    for index in range(12):
        # The event's effect on the RL loss has no clear sign.
        d = 5.0 if index % 2 else -5.0
        controller.observe(Event(losses=cycle(d=d), alignment=clear))
        thermostat.observe(Event(alignment=clear))
        assert controller.m == thermostat.m
    assert controller.fallbacks == 12
    for _ in range(10):
        controller.observe(Event(losses=cycle(d=-1.0), alignment=clear))
    assert controller.fallbacks < 22
    assert controller.m != thermostat.m


def test_the_price_rises_above_the_anchor_falls_below_and_is_never_negative() -> None:
    price = AnchorPrice(reference=1.0, slack=0.5, rate=0.1, price=0.1)
    price.observe(2.5)
    assert price.price == pytest.approx(0.2)
    for _ in range(10):
        price.observe(1.0)
    assert price.price == 0.0


@given(st.floats(0.0, 2.0), st.floats(0.1, 2.0))
def test_a_higher_price_of_drift_gives_more_imitation(price: float, more: float) -> None:
    def settled(price: float) -> float:
        controller = ModelBased(FREE, AnchorPrice(1.0, rate=0.0, price=price), kappa=1.0)
        for _ in range(30):
            controller.observe(Event(losses=cycle(a=1.0, phi1=0.0, phi2=0.02, d=-2.0)))
        return controller.m
    assert settled(price + more) <= settled(price) + 1e-9


@pytest.mark.parametrize('values', [
    {'m_min': 0.5}, {'m0': 1.0}, {'m0': 31.0}, {'m_max': math.inf}, {'smoothing': 1.0},
    {'most_change': 1.0}, {'m0': math.nan}])
def test_contradictory_limits_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(values))):
        Limits(**values)


def test_contradictory_settings_are_refused() -> None:
    for make in (lambda: DoseController(LIMITS, 0.0), lambda: AlignmentThermostat(LIMITS, -1.0),
                 lambda: AnchorConstraint(LIMITS, math.nan), lambda: AnchorPrice(1.0, slack=-1.0),
                 lambda: model(kappa=0.0), lambda: model(window=1)):
        with pytest.raises(ValueError, match=r'allowed|least'):
            make()
