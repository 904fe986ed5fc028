# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What it gains to keep the best judged version instead of the last, from the rows of a study.

    python benchmarks/best_version.py docs/studies/*/results.jsonl

Two rules are compared: "bound" keeps the version with the highest lower bound, "shown" is the
rule of ``best_version``: the newest, unless an older one was shown to be better. At each
evaluation point of a run, a drawn part of the episodes plays the block that judges the version;
the others, which chose nothing, say how good the kept version is. So the winner's curse is not
counted as a gain.
"""

from collections import defaultdict
import json
from pathlib import Path
import sys

import numpy as np
from scipy.stats import binom

from inril_ros.data.run.estimates import success_rate
from inril_ros.data.run.judgements import best_version, Judged

BLOCKS = (5, 10, 20)
_DRAWS = 100
_FALL = 0.1
_FROM, _TO = 0.98, 0.70  # as in 49 and 35 of 50


def runs(paths: list[Path]) -> list[list[np.ndarray]]:
    """Return the outcomes (N,) of each evaluation point of each run."""
    found = defaultdict(list)
    for path in paths:
        for line in path.read_text(encoding='utf-8').splitlines():
            row = json.loads(line)
            if 'outcomes' in row:
                key = tuple(str(row.get(name)) for name in
                            ('study', 'task', 'arm', 'host', 'seed'))
                found[key].append((row['env_steps'], np.array(list(row['outcomes']), int)))
    return [[outcomes for _, outcomes in sorted(points, key=lambda point: point[0])]
            for points in found.values() if len(points) > 2]


def rates(points: list[np.ndarray], episodes: int, random: np.random.Generator) -> list[float]:
    """Return the success of the version that each rule keeps, and of the last one."""
    judged, rest = [], []
    for number, outcomes in enumerate(points):
        order = random.permutation(outcomes)
        judged.append(Judged(number, 0, '', '', number, int(order[:episodes].sum()), episodes))
        rest.append(order[episodes:].mean())
    bound = max(judged, key=lambda each: (each.rate.low, each.version))
    return [rest[bound.version], rest[best_version(judged).version], rest[-1]]


def undone(episodes: int) -> float:
    """Return how often a version of rate ``_FROM`` is kept instead of the newest of ``_TO``."""
    counts = np.arange(episodes + 1)
    before, after = (binom.pmf(counts, episodes, rate) for rate in (_FROM, _TO))
    return sum(p * q for k, p in enumerate(before) for j, q in enumerate(after)
               if success_rate(k, episodes).low > j / episodes)


def main() -> None:
    """Print a table."""
    random = np.random.default_rng(0)
    every = runs([Path(name) for name in sys.argv[1:]])
    fallen = np.array([max(points, key=np.mean).mean() - points[-1].mean() > _FALL
                       for points in every])
    print(f'{len(every)} runs, {np.mean([len(points) for points in every]):.1f} points each; '
          f'{fallen.sum()} end more than {100 * _FALL:.0f} points below their best')
    print('| episodes of a block | runs | bound | shown | last |')
    print('|---|---|---|---|---|')
    for episodes in BLOCKS:
        means = np.array([np.mean([rates(points, episodes, random) for _ in range(_DRAWS)], axis=0)
                          for points in every])
        for words, chosen in (('all', np.ones(len(every), bool)), ('fallen', fallen)):
            told = ' | '.join(f'{100 * rate:.1f}' for rate in means[chosen].mean(axis=0))
            print(f'| {episodes} | {words} | {told} |')
        print(f'a fall from {_FROM:.0%} to {_TO:.0%} is undone with a probability of '
              f'{undone(episodes):.2f}')


if __name__ == '__main__':
    main()
