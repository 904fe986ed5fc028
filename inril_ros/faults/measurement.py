# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Gaps and unsafe commands from a witness's records. Pure: no clock, no ROS."""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from inril_ros.nodes.clients.fault_witness import Command, Sent, Tick
from inril_ros.robot.contract.contract import Contract

RESETTING, STARTED, ENDED = 1, 2, 3  # of EpisodeEvent.msg
POLICY = 1  # of ExecutedAction.msg
_POSES = 3  # measured poses before a command: it was made from one of them
_ROUNDING = 1e-4  # [rad or m] by float32 and interpolation


@dataclass(frozen=True)
class Span:
    """From ``begin`` to ``end`` [ns]."""

    begin: int
    end: int


def episodes(events: Iterable[Sent], until: int) -> list[Span]:
    """Return the spans of episodes, by the times at which their events were sent.

    An episode without an end, because the node that would have sent it is dead, lasts until the
    next one begins or until ``until`` [ns].
    """
    spans: list[Span] = []
    began: int | None = None
    for event in sorted(events, key=lambda event: event.sent):
        kind = event.message.event
        if kind in (ENDED, STARTED) and began is not None:
            spans.append(Span(began, event.sent))
            began = None
        if kind == STARTED:
            began = event.sent
    if began is not None:
        spans.append(Span(began, until))
    return spans


def longest_gap(commands: Iterable[Command], running: Sequence[Span], window: Span) -> float:
    """Return the longest time [s] without a command in a window, while an episode ran.

    Each action of the contract is measured separately; the worst one counts. The time from the
    last command to the end of the episode or of the window counts too.
    """
    by_action: dict[str, list[int]] = {}
    for command in commands:
        by_action.setdefault(command.action, []).append(command.sent)
    worst = 0
    for stamps in by_action.values():
        ordered = np.array(sorted(stamps), np.int64)
        for span in running:
            begin, end = max(span.begin, window.begin), min(span.end, window.end)
            inside = ordered[(ordered >= begin) & (ordered <= end)]
            if begin >= end or not len(inside):
                worst = max(worst, end - begin)
                continue
            # The first command of an episode comes with its event or just after it. An episode
            # that began before the window had a command before it.
            edges = np.concatenate([inside[:1] if begin == span.begin else [begin], inside, [end]])
            worst = max(worst, int(np.diff(edges).max()))
    return worst / 1e9


def unsafe_motion(commands: Sequence[Command], measured: Sequence[Command], contract: Contract,
                  window: Span) -> list[str]:
    """Return the unsafe commands in a window: beyond limits, or a jump.

    A jump is further from the command before than the velocity allows. A command that starts from
    the measured pose is no jump, however far from the last command: motion begins from there.
    """
    found = []
    for name, entry in contract.actions.items():
        place = contract.action_slice(name)
        low, high = contract.action_minimum[place], contract.action_maximum[place]
        velocity = np.broadcast_to(np.asarray(entry.max_velocity, float), low.shape)
        arm = sorted((each for each in measured if each.action == name),
                     key=lambda each: each.sent)
        seen = [each.sent for each in arm]
        before: Command | None = None
        for command in sorted((each for each in commands if each.action == name),
                              key=lambda each: each.sent):
            former, before = before, command
            if not window.begin <= command.sent <= window.end:
                continue
            if not np.isfinite(command.values).all() or (
                    command.values < low - _ROUNDING).any() or (
                    command.values > high + _ROUNDING).any():
                found.append(f'{name} commanded to {command.values.round(4).tolist()}')
            elif former is not None:
                # If a command is late and the next one on time, they count as a period apart.
                seconds = max(contract.period, (command.sent - former.sent) / 1e9)
                jump = np.abs(command.values - former.values)
                if (jump > velocity * seconds + _ROUNDING).any() and not _starts_from(
                        command, arm[max(0, bisect_right(seen, command.sent) - _POSES):
                                     bisect_right(seen, command.sent)],
                        velocity * contract.period):
                    found.append(f'{name} jumped by {jump.max():.4f} in {seconds:.3f} s')
    return found


def _starts_from(command: Command, poses: Sequence[Command], reach: np.ndarray) -> bool:
    """Return whether a command is within ``reach`` (A_i,) of one of the measured poses."""
    return any((np.abs(command.values - pose.values) <= reach + _ROUNDING).all()
               for pose in poses)


def unsafe_weights(ticks: Iterable[Tick], sound: Collection[int], window: Span) -> list[str]:
    """Return the commands in a window by weights that must not act.

    Args:
        ticks: The reported ticks.
        sound: Versions that were sent whole and unaltered; 0 stands for the model on disk.
        window: The window.
    """
    return [f'tick {tick.tick} by version {tick.weights_version}' for tick in ticks
            if tick.source == POLICY and window.begin <= tick.sent <= window.end
            and tick.weights_version and tick.weights_version not in sound]
