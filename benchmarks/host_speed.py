# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Measures the CPU time of learning, and writes docs/studies/speed: JSON and Markdown.

    python benchmarks/host_speed.py --ancestor DIR

It compares an update with the public code of an ancestor (DIR, a checkout of
github.com/irom-princeton/dppo; needs the package einops), and measures the shares of imitation and
of measuring alignment at m = 10, and the cost of the bench beside the bare simulator. CPU time of
one thread; both sides take turns in one process, in short blocks, so that other load on the
machine affects both. It takes about ten minutes.
"""

from collections.abc import Callable
from dataclasses import asdict
import json
from pathlib import Path
import platform
from statistics import median
import subprocess
import time
from typing import Annotated, Any

from ancestor_updates import import_from, Sizes, UPDATES
import torch
import typer

from inril_ros.bench.cost.host_speed import host_costs, made_up_session, MadeUpWorld, SIZES
from inril_ros.bench.cost.speed import measure
from inril_ros.bench.identity import code_hash
from inril_ros.data.record_files import write_whole
from inril_ros.learning.hosts.catalogue import HOSTS

_SOURCE = 'github.com/irom-princeton/dppo'
_WIDTH, _CHUNK = 256, 4
_BATCH = {'dppo': 480, 'idql': 256, 'rlpd': 256}
_NOTES = {
    'dppo': 'a minibatch of denoising steps: clipped surrogate of the actor, value of the critic',
    'idql': 'a step on the critics and one of imitation (the ancestor: value, critics, and its '
            'actor on the replay)',
    'rlpd': 'two steps on five critics with LayerNorm, one on the actor, one on the temperature',
}


def main(
    ancestor: Annotated[Path | None, typer.Option(
        help='Checkout of github.com/irom-princeton/dppo; not given: ours alone.')] = None,
    blocks: Annotated[int, typer.Option(
        min=3, help='Blocks of updates of each side, taking turns.')] = 60,
    updates: Annotated[int, typer.Option(
        min=1, help='Updates in a block.')] = 10,
    share_updates: Annotated[int, typer.Option(
        min=20, help='Updates from which the shares are measured.')] = 1000,
    task: Annotated[str, typer.Option(help='Task of Meta-World.')] = 'pick-place',
    simulation: Annotated[bool, typer.Option(help='Measure simulation, too.')] = True,
    out: Annotated[Path, typer.Option(help='Folder of the results.')] = Path('docs/studies/speed'),
) -> None:
    """Measure, and write speed.json and speed.md."""
    torch.set_num_threads(1)
    commit = None
    if ancestor is not None:
        import_from(ancestor)
        commit = _commit(ancestor)
    compared = []
    for host in UPDATES:
        compared.append(_compare(host, ancestor is not None, blocks, updates))
        typer.echo(compared[-1])
    costs = []
    for each in (host_costs(host, share_updates) for host in HOSTS):
        costs.append(asdict(each))
        typer.echo(each)
    steps = [{'what': what, 'value': round(value, 1), 'unit': unit, 'note': note}
             for what, value, unit, note in measure(task, 8)] if simulation else []
    result = {
        'machine': _machine(), 'torch': torch.__version__, 'code_hash': code_hash(),
        'ancestor': {'source': _SOURCE, 'commit': commit} if commit else None,
        'blocks': blocks, 'updates_per_block': updates, 'task': task,
        'updates': compared, 'shares': costs, 'simulation': steps}
    write_whole(out / 'speed.json', json.dumps(result, indent=1, ensure_ascii=False) + '\n')
    write_whole(out / 'speed.md', _markdown(result))
    typer.echo(out / 'speed.md')


def _compare(host: str, with_ancestor: bool, blocks: int, updates: int) -> dict[str, Any]:
    """Time both sides in turn; return medians [ms per update] and the ratio of each pair."""
    sizes = Sizes(SIZES['observation_size'], SIZES['action_size'], _CHUNK, _WIDTH, _BATCH[host])
    ours, parameters = _ours(host, sizes)
    sides: dict[str, Callable[[], float]] = {'ours': ours}
    found: dict[str, Any] = {'host': host, 'batch': sizes.batch, 'parameters': parameters}
    if with_ancestor:
        torch.manual_seed(0)
        theirs = UPDATES[host](sizes)
        found['ancestor_parameters'] = theirs.parameters

        def timed() -> float:
            began = time.process_time()
            theirs.step()
            return time.process_time() - began

        sides['ancestor'] = timed
    spent: dict[str, list[float]] = {name: [] for name in sides}
    for step in sides.values():  # warm up memory, caches and optimiser states
        for _ in range(updates):
            step()
    for block in range(blocks):
        for name in sorted(sides, reverse=bool(block % 2)):
            spent[name].append(1e3 * sum(sides[name]() for _ in range(updates)) / updates)
    for name, times in spent.items():
        found[f'{name}_ms'] = round(median(times), 3)
    if with_ancestor:
        ratios = sorted(ours / theirs for ours, theirs in zip(spent['ours'], spent['ancestor']))
        found['ratio'] = round(median(ratios), 3)
        found['ratio_quartiles'] = [round(ratios[len(ratios) * part // 4], 3) for part in (1, 3)]
    return found


def _ours(host: str, sizes: Sizes) -> tuple[Callable[[], float], int]:
    """Return one update through the session with its CPU seconds, and its parameters."""
    # Never the end of an iteration, which needs new episodes: that isn't part of an update.
    settings: dict[str, Any] = {
        'dppo': {'batch': sizes.batch, 'epochs': 1000, 'target_divergence': 1e6,
                 'warmup_iterations': 0, 'heldout_share': 0.0},
        'idql': {'batch': sizes.batch, 'warmup_steps': 500, 'warmup_updates': 100_000},
        'rlpd': {'batch': sizes.batch, 'warmup_steps': 500, 'warmup_updates': 1,
                 'updates_per_step': 100.0, 'critic_width': sizes.width,
                 'critic_layers': 2, 'critic_members': sizes.critics,
                 'critic_steps': sizes.critic_steps,
                 'initial_temperature': 1.0}}[host]
    model = {'actor_width': sizes.width, 'critic_width': sizes.width, 'chunk_length': sizes.chunk,
             'denoising_steps': sizes.denoising_steps}
    session = made_up_session(
        {'name': host, **settings}, model, m=1 if host == 'idql' else None,
        imitation_batch=sizes.batch, alignment_every=0)
    world = MadeUpWorld()

    def update() -> float:
        world.feed(session)
        began = time.process_time()
        session.update()
        return time.process_time() - began

    update()
    # Until the actor learns, too. IDQL's never does: all its updates are alike.
    while session.warming_up and host != 'idql':
        update()
    trained = {id(part): part for part in (
        *session.host.actor_parameters, *session.host.critic_parameters,
        *session.host.imitation_parameters)}
    return update, sum(part.numel() for part in trained.values())


def _commit(folder: Path) -> str:
    """Return the commit of a checkout; `unknown` without a history."""
    found = subprocess.run(['git', '-C', str(folder), 'rev-parse', 'HEAD'],
                           capture_output=True, text=True, check=False)
    return found.stdout.strip() if found.returncode == 0 else 'unknown'


def _machine() -> str:
    for line in Path('/proc/cpuinfo').read_text(encoding='utf-8').splitlines():
        if line.startswith('model name'):
            return line.partition(':')[2].strip()
    return platform.machine()


def _markdown(result: dict[str, Any]) -> str:
    lines = ['# What learning costs', '',
             f'Made by `benchmarks/host_speed.py` on one thread of {result["machine"]}, torch '
             f'{result["torch"]}, code `{result["code_hash"][:12]}`. CPU time; medians of '
             f'{result["blocks"]} blocks of {result["updates_per_block"]} updates, ours and the '
             "ancestor's in turns.", '', '## An update', '']
    if result['ancestor']:
        lines += [f'Ancestor: {result["ancestor"]["source"]} at commit '
                  f'`{result["ancestor"]["commit"][:12]}`, its classes called as its training '
                  'loops call them. Same observation, chunk, batch and widths; below 1 ours is '
                  'faster. Ours is the whole of `session.update()`: drawing the batch, counters '
                  'and what is logged included.', '',
                  '| host | batch | ours | ancestor | ratio (quartiles) | trained parameters, '
                  'ours / ancestor | what |', '|---|---|---|---|---|---|---|']
        lines += [f'| {row["host"]} | {row["batch"]} | {row["ours_ms"]:.2f} ms | '
                  f'{row["ancestor_ms"]:.2f} ms | {row["ratio"]:.2f} '
                  f'({row["ratio_quartiles"][0]:.2f} to {row["ratio_quartiles"][1]:.2f}) | '
                  f'{row["parameters"]:,} / {row["ancestor_parameters"]:,} | '
                  f'{_NOTES[row["host"]]} |' for row in result['updates']]
    else:
        lines += ['| host | batch | update | trained parameters | what |', '|---|---|---|---|---|']
        lines += [f'| {row["host"]} | {row["batch"]} | {row["ours_ms"]:.2f} ms | '
                  f'{row["parameters"]:,} | {_NOTES[row["host"]]} |' for row in result['updates']]
    lines += ['', '## Imitation and alignment, m = 10, default settings', '',
              'An on-policy host counts iterations: a block of 50 imitation steps after each ten. '
              'Alignment is measured at each of these blocks, else at every tenth imitation step.',
              '', '| host | RL update | imitation step | imitation, of all | alignment, of all | '
              'updates / imitation steps / measurements |', '|---|---|---|---|---|---|']
    lines += [f'| {row["host"]} | {row["rl"]:.2f} ms | {row["il"]:.2f} ms | '
              f'{100 * row["il_share"]:.1f} % | {100 * row["alignment_share"]:.1f} % | '
              f'{row["updates"]} / {row["il_steps"]} / {row["readings"]} |'
              for row in result['shares']]
    if result['simulation']:
        lines += ['', f'## Simulation, {result["task"]}', '',
                  '| what | value | |', '|---|---|---|']
        lines += [f'| {row["what"]} | {row["value"]:,.0f} {row["unit"]} | {row["note"]} |'
                  for row in result['simulation']]
    return '\n'.join(lines) + '\n'


if __name__ == '__main__':
    typer.run(main)
