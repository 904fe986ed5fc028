# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Judges how well a person can drive a robot: delays, tracking, and what the gate changed.

What a person can't drive smoothly, a policy can't learn from that person. The bounds are rules of
thumb: studies of teleoperation find that people slow down from 0.1 to 0.2 s of delay on, and move
and wait in turns from about 0.3 s on.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from inril_ros.doctor.finding import Finding
from inril_ros.doctor.motion_delay import delay, distances, Signal
from inril_ros.robot.contract.contract import Contract
from inril_ros.robot.motion.reason_kinds import count_kinds

#: [s] From the device to the motion: above the first one people slow down, above the second one
#: they move and wait.
SLOW, TOO_SLOW = 0.2, 0.35
#: Share of the motion's span by which the arm is off in 95 % of the time, without the delay.
BESIDE, FAR = 0.05, 0.15
#: Share of the ticks in which the gate changed what was asked for.
OFTEN, MOSTLY = 0.1, 0.4
#: Share of the ticks in which the arm was held although the person drove before.
HELD = 0.05
ENOUGH = 3.0  # [s] of driving
_MOST_REASONS = 4
_PERSON, _HELD = 2, 0  # of ExecutedAction.msg
_SHORTEST = 0.3  # [s]
_GUIDE = 'docs/how_to/teleoperation.md'


@dataclass(frozen=True)
class DrivenTick:
    """One tick of an episode.

    Attributes:
        time: [s] When it was seen.
        source: Who commanded, as in ExecutedAction.msg.
        share: Share of the person in it.
        action: (A,) What was sent.
        reasons: Why it is not what was asked for.
    """

    time: float
    source: int
    share: float
    action: np.ndarray
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class DrivingRecord:
    """What was seen while a person drove.

    Attributes:
        device: What the device asked for, (N, n): positions of joints, or velocities.
        motion: Measured positions (N, n) of the same; None if the contract observes none.
        ticks: The ticks of episodes.
        part: Slice of these values in the action vector (A,).
        velocities: Whether device and commands are velocities.
    """

    device: Signal
    motion: Signal | None
    ticks: tuple[DrivenTick, ...]
    part: slice
    velocities: bool


@dataclass(frozen=True)
class Driving:
    """What was measured; None: not known.

    Attributes:
        seconds: [s] For how long a person drove.
        to_command: [s] From the device to the command.
        to_motion: [s] From the command to the motion.
        tracking: [rad or m] Distance of command and motion that 95 % of the time is not exceeded.
        beside: [rad or m] The same once the delay is taken out.
        span: [rad or m] How far the commands went, of the value that went farthest.
        changed: Share of the person's ticks in which the gate changed what was asked for.
        held: Share of the ticks since the person began in which the arm was held.
        reasons: Number of ticks by kind of reason.
        longest_gap: [s] Longest time between two messages of the device while it drove.
        rate: [Hz] Messages of the device.
    """

    seconds: float
    to_command: float | None = None
    to_motion: float | None = None
    tracking: float | None = None
    beside: float | None = None
    span: float = 0.0
    changed: float = 0.0
    held: float = 0.0
    reasons: dict[str, int] | None = None
    longest_gap: float = 0.0
    rate: float = 0.0

    @property
    def whole(self) -> float | None:
        """From the device to the motion [s]."""
        if self.to_command is None or self.to_motion is None:
            return None
        return self.to_command + self.to_motion


def measure_driving(record: DrivingRecord, period: float) -> Driving:
    """Measure delays, tracking and changes.

    Args:
        record: What was seen.
        period: [s] One tick.
    """
    spans = _spans(record.ticks, period)
    seconds = float(sum(end - begin for begin, end in spans))
    driven = [tick for tick in record.ticks if tick.source == _PERSON]
    if not driven or not spans:
        return Driving(seconds)
    since = [tick for tick in record.ticks if driven[0].time <= tick.time <= driven[-1].time]
    sent = Signal(np.array([tick.time for tick in since]),
                  np.array([tick.action[record.part] for tick in since], np.float64))
    device, motion = record.device, record.motion
    if record.velocities:
        device, sent = device.integrated(), sent.integrated()
    to_motion = None if motion is None else delay(sent, motion, spans)
    tracking = beside = None
    if motion is not None and not record.velocities:
        tracking = float(np.percentile(distances(sent, motion, spans), 95))
        if to_motion is not None:
            beside = float(np.percentile(distances(sent, motion, spans, to_motion), 95))
    times = device.times[(device.times >= spans[0][0]) & (device.times <= spans[-1][1])]
    gaps = np.concatenate([np.diff(times[(times >= begin) & (times <= end)])
                           for begin, end in spans])
    return Driving(
        seconds, delay(device, sent, spans), to_motion, tracking, beside,
        float(np.ptp(sent.values, axis=0).max()),
        float(np.mean([bool(tick.reasons) for tick in driven])),
        float(np.mean([tick.source == _HELD for tick in since])),
        count_kinds(tick.reasons for tick in since),
        float(gaps.max(initial=0.0)), float(1.0 / gaps.mean()) if len(gaps) else 0.0)


def _spans(ticks: tuple[DrivenTick, ...], period: float) -> list[tuple[float, float]]:
    """Return the stretches in which a person alone commanded, without ramps."""
    spans: list[list[float]] = []
    last: float | None = None
    for tick in ticks:
        if tick.source != _PERSON or tick.share < 1.0:
            last = None
            continue
        if last is None or tick.time - last > 5.0 * period + 0.1:
            spans.append([tick.time, tick.time])
        spans[-1][1] = last = tick.time
    return [(begin, end) for begin, end in spans if end - begin >= _SHORTEST]


def check_driving(driving: Driving, contract: Contract) -> Iterator[Finding]:
    """Judge what was measured; the last finding is the verdict."""
    found = list(_findings(driving, contract))
    yield from found
    levels = {finding.level for finding in found}
    if 'error' in levels:
        yield Finding('teleop', 'error', 'verdict: it cannot be driven smoothly, so it cannot '
                      'learn from what is driven', 'mend what is said above before demonstrations '
                      'are recorded')
    elif 'warning' in levels:
        yield Finding('teleop', 'warning', 'verdict: it can be driven, not smoothly',
                      'mend what is said above: demonstrations of a better drive teach more')
    else:
        yield Finding('teleop', 'ok', 'verdict: it can be driven smoothly')


def _findings(driving: Driving, contract: Contract) -> Iterator[Finding]:
    if driving.seconds < ENOUGH:
        yield Finding(
            'teleop', 'error', f'a person drove for {driving.seconds:.1f} s, {ENOUGH:g} s are '
            'needed', 'begin a demonstration (inril record; b, or the start button), hold the '
            'switch and move every joint to and fro meanwhile')
        return
    yield from _delays(driving)
    if driving.beside is not None:
        share = driving.beside / max(driving.span, 1e-9)
        what = (f'tracking: the arm is within {driving.tracking:.3g} rad or m of its command 95 '
                f'% of the time, and within {driving.beside:.3g} ({100 * share:.0f} % of the '
                'motion) once the delay is taken out')
        yield _graded(share, BESIDE, FAR, what, 'stiffer position gains in the driver, or lower '
                      'max_velocity and max_acceleration in the contract, so that the arm can '
                      'follow')
    reasons = ', '.join(f'{kind} ({count})' for kind, count in
                        list((driving.reasons or {}).items())[:_MOST_REASONS])
    yield _graded(
        driving.changed, OFTEN, MOSTLY, f'gate: changed {100 * driving.changed:.0f} % of what was '
        f'asked for{": " + reasons if reasons else ""}', 'drive more slowly (the scale in the '
        f"device's settings, {_GUIDE}), or raise the limits that are named if the arm can bear it")
    yield _graded(
        driving.held, HELD, 1.0, f'held: in {100 * driving.held:.0f} % of the ticks since the '
        'person began', f'the reasons say why; a switch that opens by itself: {_GUIDE}')
    allowed = contract.teleoperation.max_age
    yield _graded(
        driving.longest_gap, allowed, np.inf, f'device: {driving.rate:.0f} Hz, longest gap '
        f'{driving.longest_gap:.3f} s while it drove, {allowed:g} s allowed',
        'raise the rate of its driver, also at rest; check load and Wi-Fi')


def _delays(driving: Driving) -> Iterator[Finding]:
    if driving.to_command is None:
        yield Finding('teleop', 'warning', 'delay: the commands do not make the motion of the '
                      'device', 'move each joint to and fro, with pauses, so that a delay shows; '
                      'else check scales and directions of the device')
    if driving.to_motion is None:
        yield Finding('teleop', 'warning', 'delay: no measured motion follows the commands, or '
                      'none is observed', 'move farther; for a velocity of the hand, observe its '
                      'position (workspace.observation)')
    if driving.whole is None:
        return
    yield _graded(
        driving.whole, SLOW, TOO_SLOW, f'delay: {1e3 * driving.whole:.0f} ms from device to '
        f'motion: {1e3 * driving.to_command:.0f} to the command, '
        f'{1e3 * driving.to_motion:.0f} to the motion', 'to the command: rate of the device, '
        'teleoperation.ramp, smoothing by the limits; to the motion: the driver (filters, '
        'interpolation, its own rate)')


def _graded(value: float, warn: float, fail: float, what: str, advice: str) -> Finding:
    if value <= warn:
        return Finding('teleop', 'ok', what)
    return Finding('teleop', 'error' if value > fail else 'warning', what, advice)
