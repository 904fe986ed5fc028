# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Simulates the version gate: how often it errs, and how soon it finds a worse policy.

    python benchmarks/gate_false_alarms.py docs/studies/version_gate.json

Prints the two tables of docs/studies/version_gate.md and writes their numbers. Episodes are coin
tosses of a known rate, with the gate's default settings; a new version acts before each episode.
"""

from dataclasses import asdict
import json
from pathlib import Path
import sys

import numpy as np

from inril_ros.transport.weights.gate import GateConfig, VersionGate

RUNS, EPISODES, SEED = 1000, 500, 0
STEADY = (0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
FALLS = ((0.9, 0.0), (0.9, 0.3), (0.9, 0.5), (0.7, 0.0), (0.7, 0.3), (0.5, 0.0), (0.5, 0.2))


def run(gate: VersionGate, outcomes: np.ndarray) -> int | None:
    """Return the number of episodes before the first rollback; None without one."""
    for index, success in enumerate(outcomes):
        if gate.takes_new():
            gate.note_acting(index + 1)
        if gate.on_episode_end(bool(success), helped=False) is not None:
            return index + 1
    return None


def steady(rate: float, random: np.random.Generator) -> dict[str, float]:
    """Return the share of runs of a steady policy with a rollback."""
    errors = sum(run(VersionGate(GateConfig()), random.random(EPISODES) < rate) is not None
                 for _ in range(RUNS))
    return {'rate': rate, 'runs': RUNS, 'episodes': EPISODES, 'rolled_back': errors / RUNS}


def fall(before: float, after: float, random: np.random.Generator) -> dict[str, float]:
    """Return how often and how soon a fall after 60 episodes is found."""
    delays = []
    for _ in range(RUNS):
        outcomes = np.concatenate([random.random(60) < before, random.random(200) < after])
        found = run(VersionGate(GateConfig()), outcomes)
        if found is None or found > 60:
            delays.append(None if found is None else found - 60)
    known = [delay for delay in delays if delay is not None]
    return {'before': before, 'after': after, 'found': len(known) / len(delays),
            'median_episodes': float(np.median(known)) if known else float('nan'),
            'ninety_percent': float(np.quantile(known, 0.9)) if known else float('nan')}


def main() -> None:
    """Simulate, print and write the tables."""
    random = np.random.default_rng(SEED)
    falsely = [steady(rate, random) for rate in STEADY]
    falls = [fall(before, after, random) for before, after in FALLS]
    print(f'| rate of success | runs of {EPISODES} episodes with a rollback |\n|---|---|')
    for row in falsely:
        print(f'| {row["rate"]:.0%} | {row["rolled_back"]:.2%} |')
    print('\n| from | to | found within 200 episodes | after (median) | after (90 %) |\n'
          '|---|---|---|---|---|')
    for row in falls:
        print(f'| {row["before"]:.0%} | {row["after"]:.0%} | {row["found"]:.1%} | '
              f'{row["median_episodes"]:.0f} | {row["ninety_percent"]:.0f} |')
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(json.dumps(
            {'settings': asdict(GateConfig()), 'seed': SEED, 'steady': falsely, 'falls': falls},
            indent=1) + '\n', encoding='utf-8')


if __name__ == '__main__':
    main()
