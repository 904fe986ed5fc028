# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a person is shown of a robot, made from its nodes' statuses. No clock, no terminal."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from inril_ros.msg import ActuationStatus, LearnerStatus, PolicyStatus, RecorderStatus
from inril_ros.nodes.clients.person_wait import ACTIONS, Wait, wait_in_episode
from inril_ros.nodes.person_view.episodes_seen import EpisodesSeen
from inril_ros.robot.messages.codecs import stamp_ns

#: [s] The actuation node sends its status each second; one that is silent for longer is told.
SILENT = 5.0
MODES = {
    ActuationStatus.IDLE: 'idle', ActuationStatus.POLICY: 'the policy drives',
    ActuationStatus.TELEOP: 'a person drives', ActuationStatus.HOLD: 'held',
    ActuationStatus.RESET: 'before an episode', ActuationStatus.ESTOP: 'E-STOP'}

# What goes on between episodes, by the state of the conductor.
_STATES = {
    'starting': 'the nodes start', 'asking': 'the next one is asked for',
    'saving': 'the recorder saves the last one', 'learning': 'the learner gets the last one',
    'failed': 'the run has failed', 'finished': 'all are done',
    'ended': 'a person has ended the stage'}


@dataclass(frozen=True)
class View:
    """What is shown; an empty text is not shown.

    Attributes:
        title: Robot and stage.
        mode: Who drives the arm.
        reason: Why.
        wait: What is waited for.
        episode: The present episode and its clock.
        last: How the last episode ended, and what became of it.
        tally: How the episodes so far have ended.
        interventions: How often a person took over.
        weights: Which weights act.
        learning: What the learner has done.
        record: What the recorder has written, and lost.
        faults: What is wrong with the sources of observations.
        offers: Meanings of the keys that make sense now.
        alarm: Whether the arm is stopped, or nobody knows its state.
    """

    title: str
    mode: str = ''
    reason: str = ''
    wait: Wait | None = None
    episode: str = ''
    last: str = ''
    tally: str = ''
    interventions: str = ''
    weights: str = ''
    learning: str = ''
    record: str = ''
    faults: str = ''
    offers: tuple[str, ...] = ()
    alarm: bool = False


@dataclass(frozen=True)
class Statuses:
    """The last status of each node; None: none has come.

    Attributes:
        conductor: Values of the last one of the conductor; empty: none has come for a while.
        silent: [s] Time since the last one of the actuation node.
    """

    actuation: ActuationStatus | None = None
    policy: PolicyStatus | None = None
    learner: LearnerStatus | None = None
    recorder: RecorderStatus | None = None
    conductor: Mapping[str, str] = field(default_factory=dict)
    silent: float = 0.0


def view_of(title: str, statuses: Statuses, episodes: EpisodesSeen, time_limit: float,
            person_starts: bool = False, namespace: str = '') -> View:
    """Return what is shown of a robot.

    Args:
        title: Robot and stage.
        statuses: The statuses of its nodes.
        episodes: Its episodes.
        time_limit: [s] Longest duration of an episode.
        person_starts: Whether a person begins demonstrations by a key.
        namespace: Namespace of the robot.
    """
    arm, silent = statuses.actuation, statuses.silent
    wait = _wait(statuses, namespace)
    known = arm is not None and silent <= SILENT
    return View(
        title,
        mode=MODES.get(arm.mode, f'unknown mode {arm.mode}') if known else 'unknown',
        reason=arm.reason if known else unknown_because(arm, silent),
        wait=wait,
        episode=_episode(statuses, episodes, time_limit),
        last=episodes.last,
        tally=episodes.tally,
        interventions=_interventions(arm),
        weights=_weights(statuses.policy),
        learning=_learning(statuses.learner),
        record=_record(statuses.recorder, statuses.learner is not None),
        faults='; '.join(arm.faults) if arm else '',
        offers=_offers(wait, episodes, known and person_starts),
        alarm=arm is not None and (not known or arm.mode == ActuationStatus.ESTOP))


def unknown_because(arm: ActuationStatus | None, silent: float) -> str:
    """Return why the state of the arm isn't known; empty if it is.

    Args:
        arm: Last status of the actuation node; None: none has come.
        silent: [s] Time since then.
    """
    if arm is None:
        return 'actuation_node has not reported its state yet'
    return f'actuation_node has been silent for {silent:.0f} s' if silent > SILENT else ''


def _wait(statuses: Statuses, namespace: str) -> Wait | None:
    """Return what is waited for, by the conductor or, if there is none, by an episode."""
    told = statuses.conductor
    if told.get('waiting_for'):
        action = told.get('action', '')
        return Wait(told['waiting_for'], action if action in ACTIONS else '', namespace)
    if statuses.silent > SILENT:
        return None
    return wait_in_episode(statuses.actuation, namespace)


def _episode(statuses: Statuses, episodes: EpisodesSeen, time_limit: float) -> str:
    told, arm = statuses.conductor, statuses.actuation
    number = f' {told["episode"]}' if told.get('episode') else ''
    if episodes.begins:
        return f'{episodes.purpose}{number} being prepared'
    if episodes.running and arm is not None:
        seconds = episodes.seconds(stamp_ns(arm))
        return f'{episodes.purpose}{number}: {seconds:.0f} s of at most {time_limit:g} s'
    state = told.get('state', '')
    if state == 'running':  # it had begun before anybody looked
        return f'episode{number}: {told.get("episode_seconds")} s of at most {time_limit:g} s'
    return _STATES.get(state, state)


def _offers(wait: Wait | None, episodes: EpisodesSeen, person_starts: bool) -> tuple[str, ...]:
    """Return the meanings of the keys that make sense now, the e-stop and the help last."""
    running = ('success', 'failure', 'discard') if episodes.running else ()
    begins = ('discard',) if episodes.begins else ()
    idle = ('start',) if person_starts and not (wait or running or begins) else ()
    waited = (wait.action,) if wait and wait.action else ()
    return (*waited, *running, *begins, *idle, 'stop', 'help')


def _interventions(arm: ActuationStatus | None) -> str:
    if arm is None or not arm.interventions:
        return ''
    return (f'{arm.interventions} in this episode, {100 * arm.intervention_rate:.0f} % of its '
            f'actions; {arm.person_ticks} actions of a person since the start')


def _weights(policy: PolicyStatus | None) -> str:
    if policy is None:
        return ''
    version = f'version {policy.weights_version}' if policy.weights_version else (
        'the model from disk')
    age = {PolicyStatus.STALE: 'stale', PolicyStatus.TOO_OLD: 'too old to act'}.get(
        policy.freshness, '')
    parts = [
        version if policy.ready else 'no policy is ready',
        f'{age}: {policy.weights_age:.0f} s behind the learner' if age else '',
        f'{policy.weights_lag} updates behind the learner' if policy.weights_lag else '',
        'pinned' if policy.pinned else '', 'on trial' if policy.on_trial else '',
        f'{policy.rollbacks} returns to earlier versions' if policy.rollbacks else '',
        policy.gate_reason,
        f'{policy.refused} refused, the last because: {policy.refusal}'
        if policy.refused else '']
    return '; '.join(filter(None, parts))


def _learning(learner: LearnerStatus | None) -> str:
    if learner is None:
        return ''
    rescued = f', {learner.rescued} rescued' if learner.rescued else ''
    return (f'{learner.successes} of {learner.episodes} episodes succeeded{rescued}; '
            f'{learner.env_steps} steps, {learner.rl_updates} updates '
            f'({learner.updates_per_second:.1f}/s), {learner.updates_due} due')


def _record(recorder: RecorderStatus | None, learns: bool) -> str:
    if recorder is None:
        return ''
    left = recorder.journaled - recorder.acknowledged
    parts = [
        f'{recorder.saved} kept, {recorder.discarded} not kept',
        f'{left} transitions on their way to the learner' if learns and left > 0 else '',
        f'{recorder.dropped} messages lost: the disk is too slow' if recorder.dropped else '',
        f'{recorder.damaged} damaged pieces of the journal' if recorder.damaged else '']
    return '; '.join(filter(None, parts))
