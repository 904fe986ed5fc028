# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the cameras saw in a few episodes of a run: rows of small images for its report.

Episodes of fine-tuning have their images in the journal. Where there are none, those of the
demonstrations are shown.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from inril_ros.cli.report.journal_frames import journaled_frames
from inril_ros.cli.report.journal_trace import JournalTrace
from inril_ros.cli.run.progress import Reporter
from inril_ros.data.demonstrations.camera_frames import camera_frames, Shown
from inril_ros.data.demonstrations.demonstration_set import list_demonstrations
from inril_ros.data.demonstrations.pieces import pieces_of
from inril_ros.data.run.judge_record import JudgedByClassifier
from inril_ros.data.run.run_directory import RunDirectory
from inril_ros.robot.contract.contract import Contract, load_contract
from inril_ros.robot.messages.images import encode_jpeg, resized

_FRAMES = 6  # of a strip
_WIDTH = 192  # [px] of an image, at most: 18 images of a camera come to about 200 kB
_PLACES = ('first', 'middle', 'last')
_Item = TypeVar('_Item')


@dataclass(frozen=True)
class Frame:
    """An image of a strip.

    Attributes:
        seconds: [s] Since the episode began.
        source: The image (JPEG) as a data URI.
    """

    seconds: float
    source: str


@dataclass(frozen=True)
class Film:
    """An episode.

    Attributes:
        title: Which one it is.
        told: How it ended, who judged, and which weights acted.
        strips: Its images by camera.
        missing: Why there are no images; empty if there are.
    """

    title: str
    told: str
    strips: dict[str, list[Frame]]
    missing: str = ''


@dataclass(frozen=True)
class Films:
    """The episodes that are shown, and a sentence about which they are."""

    note: str
    films: list[Film]


def films_of(
    run: RunDirectory, episodes: Sequence[Mapping[str, Any]],
    judged: Sequence[JudgedByClassifier], reporter: Reporter, trace: JournalTrace | None = None,
) -> Films | None:
    """Return the film strips of a run; None if its robot has no cameras, or no image was kept.

    Args:
        run: The run, or one of its robots.
        episodes: Rows of ``episodes.jsonl``.
        judged: Episodes that a classifier judged.
        reporter: Shows the progress.
        trace: Gets what is read of the journal, if it is.
    """
    contract = load_contract(run.contract)
    if not contract.cameras:
        return None
    # The journal has all of these, as nothing else was learned from.
    rows = [row for row in episodes
            if row['outcome'] != 'aborted' and row.get('saved', True) and row['ticks']]
    if rows and contract.policy_cameras:
        return Films('The first, the middle and the last episode of fine-tuning, through the '
                     'cameras of the policy. Images of evaluations are not kept.',
                     _learned(run, contract, rows, judged, reporter, trace))
    shown = _demonstrated(run, contract)
    if all(film.missing for film in shown):
        return None
    why = ('no episode of fine-tuning is there yet' if not rows else
           'images of fine-tuning are kept for cameras of the policy only, and it has none')
    return Films(f'Demonstrations: {why}.', shown)


def _learned(
    run: RunDirectory, contract: Contract, rows: Sequence[Mapping[str, Any]],
    judged: Sequence[JudgedByClassifier], reporter: Reporter, trace: JournalTrace | None,
) -> list[Film]:
    chosen = _three(rows)
    shown: dict[str, dict[str, Shown]] = {}
    missing = 'The journal has no images of it, or no longer.'
    try:
        with reporter.bar('film strips', len(rows), 'episodes') as bar:
            shown = journaled_frames(
                run.journal, contract, {row['episode_id']: row['ticks'] for _, row in chosen},
                _FRAMES, lambda done: bar.update(min(done, len(rows))), trace)
    except ValueError as error:
        missing = f'Its images cannot be read: {error}'
    by_id = {each.episode_id: each for each in judged}
    films = []
    for place, row in chosen:
        frames = shown.get(row['episode_id'], {})
        told = (f'{_verdict(row, by_id.get(row["episode_id"]), bool(run.settings.simulation))}; '
                f'weights version {row["weights_version"]}')
        films.append(Film(f'Episode {row["index"]}, the {place}', told, _strips(frames),
                          '' if frames else missing))
    return films


def _verdict(
    row: Mapping[str, Any], judged: JudgedByClassifier | None, simulated: bool,
) -> str:
    """Return how a training episode ended, who said so, and whether that was true."""
    outcome, cause = row['outcome'].replace('_', ' '), row.get('cause', '')
    if row['outcome'] == 'time_limit':
        said = outcome
    elif judged is not None:
        said = f'{outcome}, judged by the {judged.by}'
    elif cause:
        said = f'{outcome}: {cause}'
    else:
        said = f'{outcome}, judged by the simulator' if simulated else outcome
    if judged is not None and (judged.false or judged.missed):
        said += ', which was wrong' if judged.false else ', though the task was done'
    return said


def _demonstrated(run: RunDirectory, contract: Contract) -> list[Film]:
    if not run.demonstrations.is_dir():
        return []
    kept = [each for each in list_demonstrations(run.demonstrations) if each.state == 'kept']
    pieces = [(piece, piece.outcome or each.outcome)
              for each in kept for piece in pieces_of(each.path)]
    films = []
    for place, (piece, outcome) in _three(pieces):
        strips, missing = {}, 'It has no images.'
        try:
            strips = _strips(camera_frames(piece.path, contract, _FRAMES, piece))
        except ValueError as error:
            missing = f'Its images cannot be read: {error}'
        films.append(Film(f'Demonstration {piece.name}, the {place}', outcome, strips,
                          '' if strips else missing))
    return films


def _three(items: Sequence[_Item]) -> list[tuple[str, _Item]]:
    """Return the first, the middle and the last of some items, none of them twice."""
    if len(items) < 3:
        return list(zip(('first', 'last'), items))
    return list(zip(_PLACES, (items[0], items[len(items) // 2], items[-1]), strict=True))


def _strips(shown: Mapping[str, Shown]) -> dict[str, list[Frame]]:
    return {camera: [Frame(seconds, image_source(image)) for seconds, image in frames]
            for camera, frames in shown.items()}


def image_source(image: Any) -> str:
    """Return an image (H, W, 3) uint8 as a data URI of a small JPEG."""
    height, width = image.shape[:2]
    if width > _WIDTH:
        image = resized(image, max(1, round(height * _WIDTH / width)), _WIDTH)
    return f'data:image/jpeg;base64,{b64encode(encode_jpeg(image)).decode()}'
