# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The audit of demonstrations: what a person should know before anything is trained on them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inril_ros.data.audit.camera_checks import check_cameras
from inril_ros.data.audit.episode_checks import check_episode
from inril_ros.data.audit.finding import Finding, summed_up, Verdict, verdict_of
from inril_ros.data.audit.layout import Demonstration, Layout
from inril_ros.data.audit.set_checks import check_set
from inril_ros.data.audit.value_checks import check_value, lag_of
from inril_ros.data.bags.bags import BagError
from inril_ros.data.demonstrations.pieces import aligned_piece, pieces_to_imitate
from inril_ros.data.frames.episode import RecordedEpisode
from inril_ros.robot.contract.contract import Contract


class AuditError(ValueError):
    """Training on the demonstrations would be wrong; the message says why, and what to do."""


@dataclass(frozen=True)
class ValueSummary:
    """One number of the action over all episodes.

    Attributes:
        name: For example ``arm.shoulder``.
        limits: Lower and upper limit.
        commanded: Lowest and highest command.
        measured: Lowest and highest measurement; None if it isn't observed.
        lag: [ticks] Median time from a command to the motion; None if the data doesn't tell.
        lag_ms: The same [ms].
    """

    name: str
    limits: tuple[float, float]
    commanded: tuple[float, float]
    measured: tuple[float, float] | None
    lag: float | None
    lag_ms: float | None


@dataclass(frozen=True)
class Audit:
    """The result of an audit.

    Attributes:
        verdict: ``fine``, ``look at this`` or ``wrong``.
        episodes: Figures of each episode by name; an episode that can't be read has an error.
        values: Figures of each number of the action.
        findings: All findings.
    """

    verdict: Verdict
    episodes: list[dict[str, Any]]
    values: list[ValueSummary]
    findings: list[Finding]

    def plain(self) -> dict[str, Any]:
        """Return the result in the types of JSON."""
        return asdict(self)

    def refuse_wrong(self, folder: Path) -> None:
        """Refuse to train on what is wrong.

        Args:
            folder: Folder of the demonstrations, for the message.

        Raises:
            AuditError: The verdict is ``wrong``.
        """
        if self.verdict == 'wrong':
            lines = [str(one) for one in summed_up(self.findings) if one.verdict == 'wrong']
            raise AuditError(
                f'{folder}: training on these demonstrations would be wrong:\n  '
                + '\n  '.join(lines) + f'\ninril demos check {folder} shows all of it. '
                '--despite-findings trains on them all the same')


def read_folder(
    folder: Path, contract: Contract,
) -> tuple[dict[str, RecordedEpisode], dict[str, str]]:
    """Return the episodes that are imitated by name, and why the others can't be read.

    Raises:
        BagError: The folder holds no demonstration, or edits can't be read.
    """
    episodes, errors = {}, {}
    for piece in pieces_to_imitate(folder):
        try:
            episodes[piece.name] = aligned_piece(piece, contract)
        except BagError as error:
            errors[piece.name] = str(error).removeprefix(f'{piece.path}: ')
    return episodes, errors


def audit(
    episodes: Mapping[str, RecordedEpisode], contract: Contract,
    errors: Mapping[str, str] | None = None, left_out: Mapping[str, Any] | None = None,
) -> Audit:
    """Audit aligned episodes.

    Args:
        episodes: Episodes by name.
        contract: The robot's contract.
        errors: Why further episodes can't be read, by name.
        left_out: The rest (``LeftOut``) that was left out of them before, by name.
    """
    layout = Layout(contract)
    shown = [Demonstration(name, episode, layout) for name, episode in sorted(episodes.items())]
    findings = [Finding('wrong', f'cannot be used: {error}', 'inril demos delete moves it to '
                        'rejected/', 'unreadable', name)
                for name, error in sorted((errors or {}).items())]
    for each in shown:
        findings += check_episode(each)
        findings += check_cameras(each)
        for value in layout.values:
            findings += check_value(each, value)
    wrong = {one.episode for one in findings if one.verdict == 'wrong'}
    findings += [one for one in check_set([each for each in shown if _finite(each)])
                 if not (one.kind == 'differs' and one.episode in wrong)]  # that says why
    findings += _unchecked(layout)
    rows = [{**_row(each, findings), 'rest_left_out': left_out[each.name].to_json()}
            if each.name in (left_out or {}) else _row(each, findings) for each in shown]
    rows += [{'bag': name, 'verdict': 'wrong', 'error': error}
             for name, error in (errors or {}).items()]
    return Audit(verdict_of(findings), sorted(rows, key=lambda row: row['bag']),
                 [_summary(shown, index) for index in range(len(layout.values))] if shown else [],
                 findings)


def _finite(demonstration: Demonstration) -> bool:
    return bool(np.isfinite(demonstration.observations).all()
                and np.isfinite(demonstration.actions).all())


def _unchecked(layout: Layout) -> list[Finding]:
    """Return what the policy's observation doesn't allow to check."""
    blind = [value.name for value in layout.values if value.measured is None]
    if not blind:
        return []
    return [Finding('not checked', f'{", ".join(blind)}: commands against the motion: no policy '
                    'observation has the position that they move', kind='blind')]


def _row(demonstration: Demonstration, findings: Sequence[Finding]) -> dict[str, Any]:
    episode, contract = demonstration.episode, demonstration.layout.contract
    ticks = len(demonstration.actions)
    return {
        'bag': demonstration.name,
        'verdict': verdict_of(one for one in findings if one.episode == demonstration.name),
        'ticks': ticks, 'seconds': ticks * contract.period,
        'reward': float(episode.rewards.sum()), 'worst_age': float(episode.age.max()),
        'worst_skew': float(episode.skew.max()), 'worst_gap': float(episode.gap.max()),
        'action_range': float(abs(contract.normalise_action(demonstration.actions)).max()),
        'held': float((np.asarray(episode.source) == 0).mean())}


def _summary(demonstrations: Sequence[Demonstration], index: int) -> ValueSummary:
    value = demonstrations[0].layout.values[index]
    period = demonstrations[0].period
    commands = np.concatenate([each.actions[:, index] for each in demonstrations])
    measured, lag = None, None
    if value.measured is not None:
        seen = np.concatenate([each.observations[:, value.measured] for each in demonstrations])
        measured = float(seen.min()), float(seen.max())
        lags = [found for each in demonstrations if (found := lag_of(
            each.actions[:, index], each.observations[:, value.measured], value, period))
            is not None]
        lag = float(np.median(lags)) if lags else None
    return ValueSummary(
        value.name, (value.low, value.high), (float(commands.min()), float(commands.max())),
        measured, lag, None if lag is None else 1000.0 * lag * period)
