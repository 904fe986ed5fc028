# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The results of the timing benchmark, as JSON, as a table and as a figure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
import json
from pathlib import Path
from typing import Any

import numpy as np
from timing_statistics import (
    CAUSES,
    causes_of_misses,
    gaps_of,
    misses_after,
    Sent,
    tick_statistics,
)

_AFTER_WEIGHTS = 0.5  # [s]


@dataclass(frozen=True)
class Block:
    """The measurement of one block.

    Attributes:
        way: How the commands were paced; a key of the benchmark.
        rate: Nominal rate [Hz].
        sent: The commands.
        pauses: Begin and end [ns] of each garbage collection in the sending process.
        weights: Times at which versions of the weights were sent [ns].
        held: Number of holds, for lack of an action; -1: not reported.
        acting: Version of the weights that acted at the end; -1: not reported.
    """

    way: str
    rate: float
    sent: Sent
    pauses: tuple[tuple[int, int], ...] = ()
    weights: tuple[int, ...] = ()
    held: int = -1
    acting: int = -1


@dataclass
class Findings:
    """All blocks of a benchmark, and its conditions.

    Attributes:
        conditions: Machine, load and versions.
        titles: Description of each way.
        blocks: Blocks in the order of running.
    """

    conditions: dict[str, Any]
    titles: dict[str, str]
    blocks: list[Block] = field(default_factory=list)

    def rows(self) -> list[dict[str, Any]]:
        """Return one row per rate and way, in the order of the titles."""
        rows = []
        for rate in sorted({block.rate for block in self.blocks}):
            for way in self.titles:
                blocks = [block for block in self.blocks
                          if (block.way, block.rate) == (way, rate) and len(block.sent.stamps) > 1]
                if blocks:
                    rows.append(_row(way, rate, blocks))
        return rows

    def write(self, folder: Path) -> None:
        """Write timing.json, timing.md and timing.png."""
        folder.mkdir(parents=True, exist_ok=True)
        rows = self.rows()
        (folder / 'timing.json').write_text(json.dumps(
            {'conditions': self.conditions, 'ways': self.titles, 'results': rows}, indent=1)
            + '\n', encoding='utf-8')
        (folder / 'timing.md').write_text(self._text(rows), encoding='utf-8')
        draw(self.blocks, self.titles, folder / 'timing.png')

    def _text(self, rows: list[dict[str, Any]]) -> str:
        lines = ['# Time between commands, with a learner that saturates the machine', '',
                 'Made by `benchmarks/timing/timing_benchmark.py`, in one run, the ways in turn '
                 'in short blocks. Times in ms.',
                 'Error: |time between two commands - period|. Miss: more than 1.5 periods.', '']
        lines += [f'- {name}: {value}' for name, value in self.conditions.items()]
        lines += ['', '| rate | paced by | commands | p50 | p99 | p99.9 | worst | p99 error | '
                  'misses | attributed to | within 0.5 s of new weights (by chance) |',
                  '|---|---|---|---|---|---|---|---|---|---|---|']
        for row in rows:
            figures = ' | '.join(f'{1e3 * row[name]:.2f}' for name in (
                'p50', 'p99', 'p999', 'worst', 'error_p99'))
            causes = ', '.join(f'{name} {row["causes"][name]}' for name in CAUSES
                               if row['causes'].get(name))
            lines.append(
                f'| {row["rate"]:g} Hz | {row["way"]} | '
                f'{row["gaps"]} | {figures} | {row["misses"]} | {causes or "-"} | '
                f'{row["misses_after_weights"]} ({row["misses_after_weights_by_chance"]:.1f}) |')
        lines += ['', *(f'- `{way}`: {title}' for way, title in self.titles.items()), '',
                  '![Share of commands whose error is larger](timing.png)', '']
        return '\n'.join(lines)


def _row(way: str, rate: float, blocks: Sequence[Block]) -> dict[str, Any]:
    period = 1.0 / rate
    causes: Counter[str] = Counter()
    near, by_chance = 0, 0.0
    for block in blocks:
        causes += causes_of_misses(block.sent, period, block.pauses)
        found, expected = misses_after(block.sent, period, block.weights, _AFTER_WEIGHTS)
        near, by_chance = near + found, by_chance + expected
    pauses = [stop - start for block in blocks for start, stop in block.pauses]
    return {
        'way': way, 'rate': rate,
        **asdict(tick_statistics(gaps_of([block.sent.stamps for block in blocks]), period)),
        'blocks': len(blocks), 'causes': dict(causes), 'misses_after_weights': near,
        'misses_after_weights_by_chance': by_chance,
        'versions_sent': sum(len(block.weights) for block in blocks),
        'collections': len(pauses), 'longest_collection': max(pauses, default=0) / 1e9,
        'newest_version_acting': max(block.acting for block in blocks),
        'held': sum(max(0, block.held) for block in blocks),
        'lost': sum(block.sent.lost for block in blocks)}


def draw(blocks: Sequence[Block], titles: dict[str, str], path: Path) -> None:
    """Draw, for each rate and way, the share of commands whose error is larger than x."""
    import matplotlib
    matplotlib.use('Agg')
    from matplotlib import pyplot as plt

    rates = sorted({block.rate for block in blocks})
    figure, axes = plt.subplots(1, max(1, len(rates)), figsize=(5.5 * max(1, len(rates)), 4.2),
                                layout='constrained', squeeze=False, sharey=True)
    for axis, rate in zip(axes[0], rates):
        for colour, way in enumerate(titles):
            gaps = gaps_of([block.sent.stamps for block in blocks
                            if (block.way, block.rate) == (way, rate)])
            if not len(gaps):
                continue
            errors = np.sort(np.maximum(1e3 * np.abs(gaps - 1.0 / rate), 1e-3))
            axis.loglog(errors, 1.0 - np.arange(len(errors)) / len(errors), color=f'C{colour}',
                        label=way, linewidth=1.4)
        axis.axvline(500.0 / rate, color='grey', linestyle=':', linewidth=1.0)
        axis.text(500.0 / rate, 1.0, ' missed', fontsize=8, color='grey', va='top')
        axis.set_title(f'{rate:g} Hz')
        axis.set_xlabel('error of the time between two commands [ms]')
        axis.grid(alpha=0.3, which='both')
    axes[0, 0].set_ylabel('share of commands with a larger error')
    if rates:
        axes[0, 0].legend(fontsize=8)
    figure.savefig(path, dpi=100)
    plt.close(figure)
