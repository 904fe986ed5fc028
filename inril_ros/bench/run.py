# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One run, which is one process with one thread: act, learn, evaluate, write the results.

    python -m inril_ros.bench.run DIR/runs/<run>/run.json [tensorboard] [wandb] [mlflow]

Everything random is seeded by names (seed of the run, round, episode), so a run that was killed
and continues from its checkpoint ends with the same weights, bit for bit, as one that wasn't.
"""

from collections.abc import Sequence
from dataclasses import asdict
import json
from pathlib import Path
import platform
import shutil
import sys
import time
from typing import Any

import torch

from inril_ros.bench.clone_evaluation import evaluate_beginning
from inril_ros.bench.clones import Clone, clone_of
from inril_ros.bench.evaluation import evaluate, Measured
from inril_ros.bench.identity import code_hash
from inril_ros.bench.live_log import LiveLog
from inril_ros.bench.places import json_lines, only_one, RunPlace
from inril_ros.bench.robots import Bench, bench_of
from inril_ros.bench.study import parse_run, Run
from inril_ros.bench.tally import compact, Tally
from inril_ros.bench.vectorised import Lanes
from inril_ros.data.record_files import read_json, write_whole
from inril_ros.learning.exploration import ExplorationNoise
from inril_ros.learning.policies import artifact
from inril_ros.learning.session import FineTuningSession
from inril_ros.sim.seeds import derived_seed

SAVE_SECONDS = 60.0
_PROGRESS_SECONDS = 1.0


def execute(
    run: Run, place: RunPlace, clones: Path, save_seconds: float = SAVE_SECONDS,
    loggers: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Do a run, or the rest of it, and return its rows.

    Raises:
        StudyError: The task can't be set up.
        MappingError: Its simulation can't be set up.
        Busy: Another process is doing this run.
    """
    torch.set_num_threads(1)
    with only_one(place.lock, wait=False):
        bench = bench_of(run.task)
        _write_progress(place, run, 'cloning', 0)
        clone = clone_of(run, bench, clones)
        work = _Work(run, place, bench, clone, clones)
        work.resume()
        rows = work.finish(save_seconds, loggers)
        write_whole(place.rows, json_lines(rows))
        _write_progress(place, run, 'finished', run.env_steps, rows[-1]['success'])
        shutil.rmtree(place.checkpoint, ignore_errors=True)
    return rows


class _Work:
    """The state of a run in progress."""

    def __init__(self, run: Run, place: RunPlace, bench: Bench, clone: Clone,
                 clones: Path) -> None:
        self._run, self._place, self._clone, self._clones = run, place, clone, clones
        self._contract = bench.contract
        self._lanes = Lanes(bench.open_shifted, bench.contract, bench.time_limit, run.lanes,
                            bench.urdf)
        self._session = FineTuningSession(
            run.arm.session_config, clone.policy, clone.demonstrations, run.seed, 'cpu',
            clone.heldout)
        self._tally = Tally()
        self._reported = 0.0
        self._log = LiveLog((), run, place.folder, 0)

    def finish(self, save_seconds: float, loggers: Sequence[str]) -> list[dict[str, Any]]:
        """Act and learn until the last evaluation is done; return all rows."""
        self._log = LiveLog(loggers, self._run, self._place.folder, self._session.env_steps)
        try:
            return self._finish(save_seconds)
        finally:
            self._log.close()

    def _finish(self, save_seconds: float) -> list[dict[str, Any]]:
        saved = time.monotonic()
        while True:
            if not self._awaits_phase:
                self._evaluate_due()
            if self._tally.evaluated == len(self._run.evaluation_steps):
                return self._tally.rows
            self._play_round()
            self._learn()
            if time.monotonic() - saved >= save_seconds:
                self._save()
                saved = time.monotonic()

    @property
    def _awaits_phase(self) -> bool:
        """Whether the evaluation that is due waits until half of the cycle is over.

        A block of imitation moves the policy at once, and RL after it moves it back: all arms
        are evaluated half a cycle after a block. Arms without blocks don't wait, and none waits
        for longer than from one point to the next.
        """
        points, number, session = self._run.evaluation_steps, self._tally.evaluated, self._session
        if number == len(points) or session.env_steps < points[number] or not session.rl_updates:
            return False
        config, schedule = session.config, session.schedule
        blocks = config.unit == 'iteration' or config.il_steps > 1
        if not blocks or schedule.m is None or schedule.m < 2 or schedule.half_over:
            return False
        return session.env_steps < 2 * points[number] - (points[number - 1] if number else 0)

    def _evaluate_due(self) -> None:
        """Evaluate for each point that was passed."""
        points, tally = self._run.evaluation_steps, self._tally
        while tally.evaluated < len(points) and self._session.env_steps >= points[tally.evaluated]:
            self._evaluate()

    def _play_round(self) -> None:
        began = time.process_time()
        run, session, tally = self._run, self._session, self._tally
        first = tally.rounds * run.lanes
        names = range(first, first + run.lanes)
        config = session.exploration
        noise = None if config is None else [
            ExplorationNoise(config, self._contract.action_size,
                             derived_seed(run.seed, 'rollout', index)) for index in names]
        played = self._lanes.play(
            session.policy, [derived_seed(run.seed, 'scene', 'finetune', index)
                             for index in names],
            torch.Generator().manual_seed(derived_seed(run.seed, 'rollout', first)),
            explore=True, noise=noise, time_limit=session.longest_episode)
        for index, episode in zip(names, played, strict=True):
            for transition in episode.transitions(str(index)):
                session.ingest(transition)
            tally.add({'training_success': float(episode.success),
                       'episode_steps': float(episode.steps)})
            tally.episodes.append((episode.steps, episode.success))
        self._log.add({
            'training/success': sum(episode.success for episode in played) / len(played),
            'training/steps': sum(episode.steps for episode in played) / len(played)},
            session.env_steps)
        tally.rounds += 1
        tally.simulation_seconds += time.process_time() - began

    def _learn(self) -> None:
        logged: dict[str, float] = {}
        while self._session.updates_due:
            waited = self._awaits_phase
            began = time.process_time()
            update = self._session.update()
            self._tally.add_update(update)
            logged.update(update)
            self._tally.learning_seconds += time.process_time() - began
            if waited and not self._awaits_phase:
                self._evaluate_due()
            if time.monotonic() - self._reported >= _PROGRESS_SECONDS:
                self._report('learning')
        self._log.add({f'learning/{name}': value for name, value in logged.items()},
                      self._session.env_steps)
        self._report('acting')

    def _evaluate(self) -> None:
        run, session, tally = self._run, self._session, self._tally
        rows, point = tally.rows, run.evaluation_steps[tally.evaluated]
        tally.evaluated += 1
        if rows and (rows[-1]['env_steps'], rows[-1]['rl_updates']) == (
                session.env_steps, session.rl_updates):  # one round has passed several points
            rows.append({**rows[-1], 'point': point, 'training': compact([]), 'events': []})
            return
        self._report('evaluating')
        began = time.process_time()
        if session.env_steps or session.rl_updates:
            measured = evaluate(self._lanes, session.policy, run.evaluation)
        else:
            measured = evaluate_beginning(
                run, self._clone, session.policy, self._lanes, self._clones)
        tally.evaluation_seconds += time.process_time() - began
        rows.append({'point': point, **self._row(measured)})
        self._log.add({f'evaluation/{name}': rows[-1][name]
                       for name in ('success', 'mean_return', 'heldout_il_loss')},
                      session.env_steps)

    def _row(self, measured: Measured) -> dict[str, Any]:
        run, session, tally = self._run, self._session, self._tally
        outcomes, returns = measured
        means = tally.means()
        training, tally.episodes = compact(tally.episodes), []
        events, tally.events = tally.events, []
        done = {'env_steps': session.env_steps, 'episodes': session.intake.episodes}
        tensors, _, _ = session.export()
        return {
            'study': run.study, 'task': run.task.label, 'host': run.arm.host,
            'arm': run.arm.name, 'm': session.config.m, 'unit': session.config.unit,
            'schedule': session.config.schedule, 'control': session.config.control,
            'imitated': session.config.imitation_source,
            # Without shared networks there are no gradients to separate.
            'separation': (session.config.separation if session.interleaver.shared
                           else 'network'), 'seed': run.seed,
            **done, **run.robot.minutes(done), 'phase': session.schedule.phase,
            'grad_steps': session.rl_updates + session.il_updates,
            'rl_updates': session.rl_updates, 'il_updates': session.il_updates,
            'cpu_seconds': round(tally.simulation_seconds + tally.learning_seconds, 3),
            'simulation_seconds': round(tally.simulation_seconds, 3),
            'learning_seconds': round(tally.learning_seconds, 3),
            'evaluation_seconds': round(tally.evaluation_seconds, 3),
            'success': sum(outcomes) / len(outcomes), 'n': len(outcomes),
            'outcomes': ''.join('01'[success] for success in outcomes),
            'states': run.evaluation.states,
            'mean_return': sum(returns) / len(returns),
            'training_success': means.pop('training_success', None), 'training': training,
            'heldout_il_loss': session.heldout_il_loss(),
            'ratio': session.il_updates / session.rl_updates if session.rl_updates else 0.0,
            'log': {name: _number(value) for name, value in sorted(means.items())},
            'events': events,
            'clone': self._clone.key[:16], 'config_hash': run.hash, 'code_hash': code_hash(),
            'weights_hash': artifact.content_hash(artifact.to_bytes(tensors)),
            'torch': torch.__version__, 'machine': platform.machine(),
        }

    def _save(self) -> None:
        tensors, document = self._session.state_dict()
        artifact.write_folder(self._place.checkpoint, tensors, {
            'session': document, 'tally': asdict(self._tally), 'code_hash': code_hash(),
            'config_hash': self._run.hash}, replace=True)

    def resume(self) -> None:
        """Continue from the checkpoint, if this code has written one."""
        for left_over in self._place.folder.glob('.checkpoint.*'):
            shutil.rmtree(left_over, ignore_errors=True)
        try:
            tensors, document = artifact.read_folder(self._place.checkpoint)
        except ValueError:
            return
        if (document['code_hash'], document['config_hash']) != (code_hash(), self._run.hash):
            print('the checkpoint was written by other code: the run starts again', flush=True)
            return
        self._session.load_state_dict(tensors, document['session'])
        self._tally = Tally(**document['tally'])
        print(f'continues at {self._session.env_steps} environment steps', flush=True)

    def _report(self, doing: str) -> None:
        self._reported = time.monotonic()
        last = self._tally.rows[-1]['success'] if self._tally.rows else None
        _write_progress(self._place, self._run, doing, self._session.env_steps, last)


def _write_progress(place: RunPlace, run: Run, doing: str, env_steps: int,
                    success: float | None = None) -> None:
    write_whole(place.progress, json.dumps({
        'doing': doing, 'env_steps': min(env_steps, run.env_steps), 'success': success}),
        sync=False)


def _number(value: float) -> float | None:
    """Return a number that JSON has, or None."""
    return value if -1e300 < value < 1e300 else None


def main(argument: str, *loggers: str) -> None:
    """Do the run of a configuration file in a study's folder."""
    path = Path(argument)
    place = RunPlace(path.parent)
    execute(parse_run(read_json(path), argument), place, path.parents[2] / 'clones',
            loggers=loggers)


if __name__ == '__main__':
    main(*sys.argv[1:])
