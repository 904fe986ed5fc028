# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Who drove in each training episode, as SVG: a thin strip per episode, the oldest at the top."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from inril_ros.cli.report.journal_trace import HELD, JournalTrace, PERSON, POLICY, TracedEpisode
from inril_ros.data.run.run_record import was_rescued

_NAMES = {HELD: 'held', POLICY: 'policy', PERSON: 'person'}
_ROW, _TALLEST = 7, 560  # [pixel]
_MARK = 0.012  # of the width: how the episode ended


@dataclass(frozen=True)
class DriveStrips:
    """The strips of a run.

    Attributes:
        svg: All of them.
        episodes: How many.
        of: Training episodes, also those that the journal doesn't have.
        longest: Ticks of the longest one.
        takeovers: How often a person took over.
    """

    svg: str
    episodes: int
    of: int
    longest: int
    takeovers: int


def drive_strips(episodes: Sequence[Mapping[str, Any]], trace: JournalTrace) -> DriveStrips | None:
    """Return the strips of the episodes that the journal has; None if it has none.

    Args:
        episodes: Rows of ``episodes.jsonl``.
        trace: What the journal says.
    """
    rows = [(row, traced) for row in episodes if (traced := trace.of(row)) and traced.spans]
    if not rows:
        return None
    longest = max(max(row['ticks'], *(first + ticks for _, first, ticks in traced.spans))
                  for row, traced in rows)
    mark = _MARK * longest
    parts = [f'<svg viewBox="{-2 * mark:g} 0 {longest + 2 * mark:g} {len(rows)}" '
             f'preserveAspectRatio="none" style="height:{min(_TALLEST, _ROW * len(rows))}px">']
    for place, (row, traced) in enumerate(rows):
        ended = 'won' if row['outcome'] == 'success' and not was_rescued(row) else (
            'saved' if was_rescued(row) else 'lost')
        parts.append(f'<g><title>{escape(_told(row, traced))}</title>'
                     f'<rect class="{ended}" x="{-1.6 * mark:g}" y="{place + 0.08:g}" '
                     f'width="{mark:g}" height="0.84"/>')
        parts += [f'<rect class="{_NAMES.get(source, "held")}" x="{first}" y="{place + 0.08:g}" '
                  f'width="{ticks}" height="0.84"/>' for source, first, ticks in traced.spans]
        parts.append('</g>')
    return DriveStrips(''.join([*parts, '</svg>']), len(rows), len(episodes), longest,
                       sum(traced.takeovers for _, traced in rows))


def _told(row: Mapping[str, Any], traced: TracedEpisode) -> str:
    by = {name: sum(ticks for source, _, ticks in traced.spans if source == code)
          for code, name in _NAMES.items()}
    return (f'episode {row["index"]}: {row["outcome"].replace("_", " ")}, {row["ticks"]} ticks; '
            + ', '.join(f'{name} {ticks}' for name, ticks in by.items() if ticks)
            + f'; weights version {row["weights_version"]}')
