# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the page says of a robot, made from what its nodes have said. No clock, no browser."""

from collections.abc import Mapping
from dataclasses import dataclass, field
import math

from inril_ros.data.run.graph_place import GraphPlace
from inril_ros.msg import ActuationStatus, LearnerStatus, PolicyStatus
from inril_ros.nodes.person_view.episodes_seen import EpisodesSeen
from inril_ros.nodes.person_view.key_rules import refusal
from inril_ros.nodes.person_view.view import Statuses, View, view_of
from inril_ros.robot.teleop.person_keys import BY_MEANING

#: [s] All nodes send a status each second; one that is older is not shown as the present.
LOST = 3.0
#: Buttons in their groups, by the meanings of the keys.
GROUPS = (('release', 'enable', 'resume'), ('start', 'ready', 'success', 'failure', 'discard'),
          ('go_on', 'pause', 'end'), ('pin', 'unpin', 'roll_back'))
_LABELS = {
    'stop': 'STOP', 'release': 'Release the stop', 'enable': 'Enable motion', 'resume': 'Resume',
    'start': 'Begin a demonstration', 'ready': 'The scene is set', 'success': 'Success',
    'failure': 'Failure', 'discard': 'Discard', 'go_on': 'Go on', 'pause': 'Pause after this',
    'end': 'End after this', 'pin': 'Keep this version', 'unpin': 'Accept newer',
    'roll_back': 'Back to the last good'}
_NODES = {
    'actuation': 'the controller of the arm holds it by its own time limit',
    'policy': 'ticks without an action hold the arm',
    'recorder': 'the next episode waits for it',
    'learner': 'the robot goes on with the weights that it has',
    'conductor': 'the running episode ends by itself, and none follows'}


@dataclass(frozen=True)
class Press:
    """Something that a person wanted of a robot.

    Attributes:
        meaning: What, by the meaning of its key.
        done: Whether the service did it; None: it has not answered.
        text: What it answered.
        shown: Whether a status since then shows it.
        episode: UUID of the episode that ran when it was wanted.
    """

    meaning: str
    done: bool | None = None
    text: str = ''
    shown: bool = False
    episode: str = ''

    def __str__(self) -> str:
        what = _LABELS[self.meaning]
        if self.done is None:
            return f'{what}: asked for, no answer yet'
        if not self.done:
            return f'{what}: NOT DONE: {self.text}'
        doubt = '' if self.shown else ' (the status does not show it yet)'
        return f'{what}: {self.text}{doubt}'


@dataclass(frozen=True)
class RobotSnapshot:
    """What a robot's nodes have said until now.

    Attributes:
        namespace: Of the robot.
        statuses: The last ones.
        ages: [s] Time since them, by node.
        episodes: The episodes.
        presses: What was wanted lately, the last one first.
        cameras: [s] Age of the last image of each camera that is shown; None: none has come.
        other_run: UUID of the run whose conductor speaks here; empty: none, or this run's.
    """

    namespace: str = ''
    statuses: Statuses = field(default_factory=Statuses)
    ages: Mapping[str, float] = field(default_factory=dict)
    episodes: EpisodesSeen = field(default_factory=EpisodesSeen)
    presses: tuple[Press, ...] = ()
    cameras: Mapping[str, float | None] = field(default_factory=dict)
    other_run: str = ''


@dataclass(frozen=True)
class Button:
    """A button.

    Attributes:
        meaning: Of its key.
        label: What is written on it.
        key: The key that does the same.
        wanted: Whether it is what is waited for.
        why_not: Why it can't be pressed now; empty: it can.
    """

    meaning: str
    label: str
    key: str
    wanted: bool = False
    why_not: str = ''


@dataclass(frozen=True)
class RobotPage:
    """What is shown of a robot.

    Attributes:
        lost: What is wrong if nothing current is known of it, and what to do; else empty.
        view: What a terminal shows too.
        to_do: What a person does now.
        stage: What is done, and how much of it.
        numbers: Label and value of each number.
        nodes: Name, state in words, and whether that is good, of each node.
        buttons: The buttons, by their meanings.
        presses, cameras: See RobotSnapshot.
    """

    lost: str
    view: View
    to_do: str
    stage: str
    numbers: tuple[tuple[str, str], ...]
    nodes: tuple[tuple[str, str, bool], ...]
    buttons: Mapping[str, Button]
    presses: tuple[Press, ...]
    cameras: Mapping[str, float | None]


def robot_page(name: str, snapshot: RobotSnapshot, place: GraphPlace | None, run: str,
               time_limit: float) -> RobotPage:
    """Return what is shown of a robot.

    Args:
        name: Name of the kind of robot.
        snapshot: What its nodes have said.
        place: Where the graph was noted to be.
        run: Folder of the run, as in a command.
        time_limit: [s] Longest duration of an episode.
    """
    statuses, told = snapshot.statuses, snapshot.statuses.conductor
    lost = _lost(snapshot, place, run)
    person_starts = bool(statuses.actuation) and not told
    title = f'{name} {snapshot.namespace}'.strip()
    view = view_of(title, statuses, snapshot.episodes, time_limit, person_starts,
                   snapshot.namespace)
    wait = None if lost else view.wait
    to_do = f'{_LABELS[wait.action]} ({BY_MEANING[wait.action].key})' if (
        wait and wait.action) else ''
    return RobotPage(
        lost, view, to_do, _stage(told, place),
        _numbers(statuses), tuple(_nodes(snapshot)),
        {meaning: _button(meaning, snapshot, view, lost)
         for group in (('stop',), *GROUPS) for meaning in group},
        snapshot.presses, snapshot.cameras)


def shows(press: Press, statuses: Statuses, episodes: EpisodesSeen) -> bool:
    """Return whether statuses show what a press wanted."""
    meaning = press.meaning
    arm, policy, told = statuses.actuation, statuses.policy, statuses.conductor
    order = told.get('order', '')
    if meaning in ('pause', 'end'):
        return order == meaning or told.get('state') == 'ended'
    if meaning == 'go_on':
        return not order and told.get('action') != 'go_on'
    if meaning in ('pin', 'unpin', 'roll_back'):
        return policy is not None and policy.pinned == (meaning != 'unpin')
    if arm is None:
        return False
    return {
        'stop': arm.estop or arm.mode == ActuationStatus.ESTOP,
        'release': not arm.estop, 'enable': arm.enabled,
        'resume': not arm.latched and arm.mode != ActuationStatus.ESTOP,
        'start': episodes.begins or episodes.running,
        'ready': episodes.running or not arm.waiting_for,
    }.get(meaning, arm.episode_id != press.episode)


def _lost(snapshot: RobotSnapshot, place: GraphPlace | None, run: str) -> str:
    age = snapshot.ages.get('actuation')
    if snapshot.other_run:
        return (f'The robot in this ROS domain works for another run ({snapshot.other_run[:8]}). '
                'Open the console of that run; nothing can be pressed here.')
    if age is not None and age <= LOST:
        return ''
    if age is None:
        if place is None:
            return ('No graph of this run is known, and no robot is heard in this ROS domain. '
                    f'Start a stage (inril record, evaluate, finetune or up with {run}), or give '
                    'the domain of the robot (--domain). This page connects by itself.')
        return f'The nodes of {place.stage} have not been heard yet: they may still be starting.'
    ended = '' if place else ' The stage has ended, or this computer has lost the robot.'
    return (f'Nothing heard from the arm for {age:.0f} s: what is shown is how it was.{ended} '
            "Look at the arm; to stop it, use the robot's own stop. This page connects again by "
            'itself.')


def _stage(told: Mapping[str, str], place: GraphPlace | None) -> str:
    stage = told.get('stage') or (place.stage if place else '')
    done = f'{told.get("done", 0)} of {told.get("total")} {told.get("unit", "")}' * bool(
        told.get('total'))
    order = {'pause': 'pauses after this episode', 'end': 'ends after this episode'}.get(
        told.get('order', ''), '')
    return ', '.join(filter(None, (stage, done, order)))


def _numbers(statuses: Statuses) -> tuple[tuple[str, str], ...]:
    policy, learner, told = statuses.policy, statuses.learner, statuses.conductor
    numbers = []
    if told.get('success'):
        numbers.append(('share of success lately, without a person', told['success']))
    if policy is not None:
        numbers += _of_policy(policy)
    if learner is not None:
        numbers += _of_learner(learner)
    return tuple(numbers)


def _of_policy(policy: PolicyStatus) -> list[tuple[str, str]]:
    version = str(policy.weights_version) if policy.weights_version else 'the model from disk'
    return [
        ('acting version', version + ' (kept)' * policy.pinned),
        ('its age', f'{policy.weights_age:.0f} s, {policy.weights_lag} updates behind'),
        ('last good version', f'{policy.good_version}' + ', a newer one is on trial'
         * policy.on_trial)]


def _of_learner(learner: LearnerStatus) -> list[tuple[str, str]]:
    per = learner.il_updates / learner.rl_updates if learner.rl_updates else 0.0
    return [
        ('episodes that succeeded alone, rescued, all',
         f'{learner.successes}, {learner.rescued}, {learner.episodes}'),
        ('updates RL, IL', f'{learner.rl_updates}, {learner.il_updates}'),
        ('share of IL', _percent(per / (1.0 + per))),
        ('m', 'RL only' if math.isinf(learner.m) else f'{learner.m:.3g}'),
        ('gradients of IL and RL', learner.alignment or 'not measured yet')]


def _nodes(snapshot: RobotSnapshot) -> list[tuple[str, str, bool]]:
    """Return each node that was heard, how it is in words, and whether that is good."""
    states = []
    for name, consequence in _NODES.items():
        age = snapshot.ages.get(name)
        if age is None:
            if name == 'actuation':
                states.append((name, 'not heard yet', False))
        elif age > LOST:
            states.append((name, f'silent for {age:.0f} s: {consequence}', False))
        else:
            trouble = _trouble(name, snapshot.statuses)
            states.append((name, trouble or 'works', not trouble))
    return states


def _trouble(name: str, statuses: Statuses) -> str:
    policy, recorder, arm = statuses.policy, statuses.recorder, statuses.actuation
    if name == 'actuation' and arm is not None:
        return '; '.join(arm.faults)
    if name == 'policy' and policy is not None and not policy.ready:
        return 'no policy is ready: no weights yet, or a camera was moved'
    if name == 'recorder' and recorder is not None and recorder.dropped:
        return f'{recorder.dropped} messages lost: the disk is too slow'
    if name == 'conductor' and statuses.conductor.get('state') == 'failed':
        return f'has given up: {statuses.conductor.get("reason", "")}'
    return ''


def _button(meaning: str, snapshot: RobotSnapshot, view: View, lost: str) -> Button:
    key = BY_MEANING[meaning]
    statuses = snapshot.statuses
    why_not = '' if meaning == 'stop' else lost or refusal(
        meaning, statuses.actuation, statuses.silent)
    known = (*view.offers, *(('success', 'failure', 'discard') if _unseen(snapshot) else ()))
    if not why_not and meaning in ('start', 'ready', 'success', 'failure', 'discard', 'go_on') \
            and meaning not in known:
        why_not = 'nothing waits for this now'
    if not why_not and meaning in ('pause', 'end') and not statuses.conductor:
        why_not = 'nobody asks for episodes here'
    if not why_not and meaning in ('pin', 'unpin', 'roll_back') and (
            statuses.policy is None or not statuses.policy.weights_version):
        why_not = 'no version of a learner acts'
    if meaning == 'go_on' and why_not and statuses.conductor.get('order'):
        why_not = lost
    wanted = bool(view.wait) and view.wait.action == meaning
    return Button(meaning, _LABELS[meaning], key.key, wanted, why_not)


def _unseen(snapshot: RobotSnapshot) -> bool:
    """Return whether an episode runs whose beginning nobody here has seen."""
    arm, episodes = snapshot.statuses.actuation, snapshot.episodes
    return arm is not None and bool(arm.episode_id) and arm.mode != ActuationStatus.RESET \
        and not episodes.begins and not episodes.running


def _percent(share: float) -> str:
    return f'{100 * share:.0f} %'
