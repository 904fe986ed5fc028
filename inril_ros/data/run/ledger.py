# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a run cost robot and person, and what it took until it succeeded often enough.

Every figure follows from counts in the run's records, so that two labs that count the same get the
same (``docs/reference/ledger.md``). The wall clock plays no part: a simulation may run faster than
the robot that it stands for, and a person may have lunch.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from inril_ros.data.record_files import read_json_lines, read_record, Record
from inril_ros.data.run.estimates import success_rate
from inril_ros.data.run.judgements import judged_versions
from inril_ros.data.run.run_directory import RunDirectory
from inril_ros.data.run.run_record import running_success, WINDOW
from inril_ros.robot.contract.contract import load_contract

_Row = Mapping[str, Any]
#: Success rates for which the ledger says when they were reached.
TARGETS = (0.5, 0.8, 0.9, 0.95)
#: [s] Time per reset of a run that has noted none.
RESET_SECONDS = 10.0


@dataclass(frozen=True)
class Spent:
    """What the episodes of one kind cost.

    Attributes:
        episodes: Episodes, each with a reset; those that were aborted or discarded too.
        steps: Their control ticks.
        person_steps: Ticks that a person commanded.
        intervened: Episodes of the policy in which a person commanded at least one tick.
        robot_minutes: Ticks at the control rate, and resets.
        person_minutes: Ticks that a person commanded, and resets.
    """

    episodes: int
    steps: int
    person_steps: int
    intervened: int
    robot_minutes: float
    person_minutes: float


@dataclass(frozen=True)
class Reached:
    """When a success rate was reached.

    Attributes:
        target: The success rate.
        by: ``evaluation``: of one version in blocks of evaluation; ``training``: of the last
            ``WINDOW`` training episodes, which explore.
        shown: Whether the lower end of the 95 % interval reached the target, not only the rate.
        env_steps: Environment steps of learning until then; None: it was not reached.
        not_before: Steps at the look before, at which it was not reached: it came in between.
        episodes: Training episodes until then.
        robot_minutes: Minutes of learning on the robot until then, without evaluation.
        rate, low, high, n: The success that was seen, its 95 % interval, and of how many episodes.
    """

    target: float
    by: str
    shown: bool
    env_steps: int | None = None
    not_before: int | None = None
    episodes: int | None = None
    robot_minutes: float | None = None
    rate: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None


@dataclass(frozen=True)
class Costs:
    """What the minutes are made of.

    Attributes:
        rate: [Hz] Control rate.
        reset_seconds: [s] Time of robot and person per reset; 0: nobody is needed for it.
    """

    rate: float
    reset_seconds: float


def ledger(
    episodes: Sequence[_Row], judgements: Sequence[_Row], attempts: Sequence[_Row],
    evaluations: Mapping[str, _Row], imported: tuple[int, int], costs: Costs,
) -> dict[str, Any]:
    """Return the ledger of a run as plain data.

    Args:
        episodes: Rows of ``finetune/episodes.jsonl``.
        judgements: Rows of ``finetune/judgements.jsonl``.
        attempts: Rows of ``recording.jsonl``.
        evaluations: Content of ``evaluations/*.json``.
        imported: Demonstrations and their ticks, which count where no attempt was recorded.
        costs: What the minutes are made of.
    """
    tried = [row for each in evaluations.values()
             for row in (*each['episodes'], *(each.get('aborted') or ()))]
    shown = _spent(attempts, costs, driven=True) if attempts else _of_counts(*imported, costs)
    kinds = {'demonstrations': shown, 'learning': _spent(episodes, costs),
             'evaluation': _spent([*judgements, *tried], costs)}
    learning = kinds['learning']
    hours = learning.robot_minutes / 60.0
    occasions = learning.intervened + learning.episodes * bool(costs.reset_seconds)
    return {
        **{name: asdict(each) for name, each in kinds.items()},
        'total': {name: sum(getattr(each, name) for each in kinds.values())
                  for name in asdict(learning)},
        'interventions_per_hour': learning.intervened / hours if hours else None,
        'needed_per_hour': occasions / hours if hours else None,
        **asdict(costs),
        'until': [asdict(each) for each in [
            *_by_evaluation(episodes, judgements, costs), *_by_training(episodes, costs)]]}


def run_ledger(run: RunDirectory) -> dict[str, Any]:
    """Return the ledger of a run, or of one of its robots, from its files, at any time.

    Raises:
        RecordError: A file is damaged.
    """
    cloned, result = (read_record(path) if path.exists() else Record()
                      for path in (run.pretrain_record, run.result))
    used = run.stage_settings('finetune')
    seconds = (result.get('time_spent') or {}).get('reset_seconds')
    if seconds is None:
        seconds = used['reset_seconds'].value if 'reset_seconds' in used else RESET_SECONDS
    files = {name: run.evaluation(name) for name in ('pretrained', 'finetuned')}
    # What was cloned is the run's, not that of one of its robots.
    imported = (0, 0) if run.robot_name else (
        cloned.get('demonstrations', 0), cloned.get('transitions', 0))
    return ledger(
        read_json_lines(run.episodes), read_json_lines(run.judgements),
        read_json_lines(run.attempts),
        {name: read_record(path) for name, path in files.items() if path.exists()}, imported,
        Costs(load_contract(run.contract).control_rate, float(seconds)))


def _spent(rows: Sequence[_Row], costs: Costs, driven: bool = False) -> Spent:
    """Return what episodes cost; ``driven``: a person commanded all of each."""
    steps = sum(row.get('ticks') or 0 for row in rows)
    by_person = [row.get('person_ticks') or 0 for row in rows]
    person = steps if driven else sum(by_person)
    intervened = 0 if driven else sum(ticks > 0 for ticks in by_person)
    resets = len(rows) * costs.reset_seconds
    return Spent(len(rows), steps, person, intervened, (steps / costs.rate + resets) / 60.0,
                 (person / costs.rate + resets) / 60.0)


def _of_counts(number: int, steps: int, costs: Costs) -> Spent:
    minutes = (steps / costs.rate + number * costs.reset_seconds) / 60.0
    return Spent(number, steps, steps, 0, minutes, minutes)


def _by_evaluation(
    episodes: Sequence[_Row], judgements: Sequence[_Row], costs: Costs,
) -> list[Reached]:
    """Return when versions in blocks of evaluation reached each target."""
    looks = [(each.env_steps, each.successes, each.episodes)
             for each in judged_versions(judgements)]
    return [_first(looks, target, 'evaluation', shown, episodes, costs)
            for target in TARGETS for shown in (False, True)] if looks else []


def _by_training(episodes: Sequence[_Row], costs: Costs) -> list[Reached]:
    """Return when the last training episodes reached each target."""
    running = running_success(episodes)
    looks = [(int(steps), round(rate * WINDOW), WINDOW)
             for steps, rate in zip(running.env_steps, running.rate, strict=True)]
    return [_first(looks, target, 'training', shown, episodes, costs)
            for target in TARGETS for shown in (False, True)] if looks else []


def _first(
    looks: Sequence[tuple[int, int, int]], target: float, by: str, shown: bool,
    episodes: Sequence[_Row], costs: Costs,
) -> Reached:
    """Return the first of some looks (steps, successes, episodes) that reaches a target."""
    before = None
    for steps, successes, number in looks:
        seen = success_rate(successes, number)
        if (seen.low if shown else seen.value) >= target:
            done = bisect_right([row['env_steps'] for row in episodes], steps)
            ticks = sum(row['ticks'] for row in episodes[:done])
            minutes = (ticks / costs.rate + done * costs.reset_seconds) / 60.0
            return Reached(target, by, shown, steps, before, done, minutes, seen.value, seen.low,
                           seen.high, number)
        before = steps
    return Reached(target, by, shown)
