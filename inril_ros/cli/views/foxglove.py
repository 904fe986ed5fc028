# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A Foxglove layout of a robot: model, cameras, commands by joint, success, weights, buttons.

A plot shows numbers only, so all paths end in a number; why something is so stands in the panel of
states, which shows texts.
"""

from collections.abc import Sequence
import json
from typing import Any

from inril_ros.cli.views.robot_view import RobotView

_POSES = ('geometry_msgs/msg/PoseStamped', 'geometry_msgs/msg/PointStamped')
#: Plots: their title, and the fields in them by topic, each with its label.
PLOTS = {
    'Success: episodes, successes of the policy alone, rescued by a person': [
        ('learner/status.episodes', 'episodes'), ('learner/status.successes', 'successes'),
        ('learner/status.rescued', 'rescued')],
    'Interventions: takeovers, share of ticks, who drives (1 policy, 2 person, 0 hold)': [
        ('actuation/status.interventions', 'takeovers'),
        ('actuation/status.intervention_rate', 'share of the episode'),
        ('executed_action.source', 'source'), ('executed_action.person_share', 'person')],
    'Versions of the weights': [
        ('learner/status.weights_version', 'learned'),
        ('policy/status.weights_version', 'acting'), ('policy/status.good_version', 'good'),
        ('policy/status.refused_version', 'refused')],
    'Learning: updates/s, updates that are due': [
        ('learner/status.updates_per_second', 'updates/s'),
        ('learner/status.updates_due', 'due')],
    'Losses': [
        ('learner/status.rl_loss', 'RL'), ('learner/status.il_loss', 'imitation'),
        ('learner/status.heldout_il_loss', 'imitation, held out')],
    'Longest gap between ticks, longest inference, age of what was seen [s]': [
        ('actuation/status.worst_gap', 'gap'),
        ('policy/status.inference_seconds_worst', 'inference'),
        ('executed_action.observation_age', 'age')],
}
#: Texts and modes over time.
STATES = [
    ('actuation/status.mode', 'mode (0 idle, 1 policy, 2 person, 3 hold, 4 reset, 5 e-stop)'),
    ('actuation/status.reason', 'why'), ('actuation/status.waiting_for', 'waits for'),
    ('actuation/status.latched', 'latched'), ('actuation/status.faults[0]', 'fault'),
    ('executed_action.reasons[0]', 'changed by the safety gate'),
    ('policy/status.gate_reason', 'version gate'), ('policy/status.refusal', 'weights refused')]
#: Buttons: service of the actuation node, text, request, colour.
BUTTONS = [
    ('estop', 'STOP', {'data': True}, '#c62828'),
    ('estop', 'Release stop', {'data': False}, ''),
    ('enable', 'Enable motion', {'data': True}, ''),
    ('enable', 'Disable motion', {'data': False}, ''), ('resume', 'Resume', {}, ''),
    ('scene_ready', 'Scene is set', {}, ''), ('start', 'Start demonstration', {}, ''),
    ('success', 'Success', {}, '#2e7d32'), ('failure', 'Failure', {}, ''),
    ('abort', 'Discard', {}, '')]


def foxglove_text(view: RobotView) -> str:
    """Return the text of the layout file."""
    scene = {'3D!arm': _scene(view)}
    cameras = {f'Image!{name}': {'imageMode': {'imageTopic': view.name(camera.topic)}}
               for name, camera in view.contract.cameras.items()}
    joints = {f'Plot!commanded_{name}': _commands(view, name) for name in view.contract.actions}
    numbers = {f'Plot!{index}': _plot(view, title, paths)
               for index, (title, paths) in enumerate(PLOTS.items())}
    states = {
        'StateTransitions!why': {'isSynced': True, 'paths': [
            {'value': view.name(path), 'label': label, 'timestampMethod': 'receiveTime'}
            for path, label in STATES]},
        'DiagnosticSummary!nodes': {
            'minLevel': 0, 'pinnedIds': [], 'hardwareIdFilter': '', 'sortByLevel': True,
            'topicToRender': '/diagnostics'}}
    measured = {f'RawMessages!{index}': {'topicPath': topic, 'diffEnabled': False}
                for index, (topic, kind) in enumerate(view.observed().items())
                if kind == 'sensor_msgs/msg/JointState'}
    buttons = {f'CallService!{index}': _button(view, *button)
               for index, button in enumerate(BUTTONS)}
    layout = _split('row', [
        _split('column', [_split('row', [*scene, *cameras]), _split('row', list(joints)),
                          _split('row', [*measured, *states])]),
        _split('column', list(numbers)),
        _split('row', [_split('column', list(buttons)[half::2]) for half in (0, 1)])], (45, 60))
    return json.dumps({
        'configById': {**scene, **cameras, **joints, **numbers, **states, **measured, **buttons},
        'globalVariables': {}, 'userNodes': {}, 'playbackConfig': {'speed': 1},
        'layout': layout}, indent=2) + '\n'


def _scene(view: RobotView) -> dict[str, Any]:
    description = view.name('robot_description')
    return {
        'followTf': view.root,
        'cameraState': {
            'distance': 1.6, 'phi': 60, 'thetaOffset': 45, 'perspective': True,
            'target': [0, 0, 0], 'targetOffset': [0.35, 0, 0.15],
            'targetOrientation': [0, 0, 0, 1], 'fovy': 45, 'near': 0.01, 'far': 100},
        'topics': {topic: {'visible': True, 'type': 'axis'}
                   for topic, kind in view.observed().items() if kind in _POSES},
        'layers': {'arm': {
            'layerId': 'foxglove.Urdf', 'instanceId': 'arm', 'label': view.title, 'visible': True,
            'sourceType': 'topic', 'topic': description, 'framePrefix': view.frame_prefix}},
        'scene': {}, 'transforms': {}, 'publish': {}}


def _commands(view: RobotView, name: str) -> dict[str, Any]:
    """Return a plot of what was sent to each joint of an action, by the joint's name."""
    entry, part = view.contract.actions[name], view.contract.action_slice(name)
    labels = entry.joints or [f'{entry.field}[{index}]' for index in range(entry.length)]
    return _plot(view, f'{name}: executed', [
        (f'executed_action.executed[{index}]', label)
        for index, label in zip(range(part.start, part.stop), labels, strict=True)])


def _plot(view: RobotView, title: str, paths: Sequence[tuple[str, str]]) -> dict[str, Any]:
    return {
        'title': title, 'xAxisVal': 'timestamp', 'showLegend': True, 'isSynced': True,
        'followingViewWidth': 60,
        'paths': [{'value': view.name(path), 'label': label, 'enabled': True,
                   'timestampMethod': 'receiveTime'} for path, label in paths]}


def _button(view: RobotView, service: str, text: str, request: dict[str, Any], colour: str,
            ) -> dict[str, Any]:
    return {
        'serviceName': view.name(f'actuation_node/{service}'), 'buttonText': text,
        'requestPayload': json.dumps(request), 'layout': 'vertical', 'editingMode': False,
        'timeoutSeconds': 5, **({'buttonColor': colour} if colour else {})}


def _split(direction: str, parts: Sequence[Any], shares: Sequence[int] = ()) -> Any:
    """Return parts beside or below each other, of equal size or with these shares [%] in turn."""
    first, *rest = parts
    if not rest:
        return first
    share = shares[0] if shares else round(100 / len(parts))
    return {'direction': direction, 'first': first, 'second': _split(direction, rest, shares[1:]),
            'splitPercentage': share}
