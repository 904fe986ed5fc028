# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Sound demonstrations are fine; each fault is found, with episode, joint, figures and advice."""

from copy import deepcopy
from dataclasses import replace
import json

import numpy as np
import pytest
from shown_arm import (
    changed,
    CONTRACT,
    CONTRACT_DATA,
    episode,
    episodes,
    FINGER,
    found,
    LIFT,
    PAN,
    RATE,
    the_one,
    TICKS,
    TOOL,
)

from inril_ros.data.audit.audit import audit, AuditError
from inril_ros.data.audit.finding import summed_up
from inril_ros.robot.contract.contract import parse_contract


def with_column(array, column, values):
    out = np.array(array)
    out[:, column] = values
    return out


def observed(column, change):
    """Return how to change one observed column of an episode."""
    return lambda each: with_column(
        each.observations, column, change(each.observations[:, column]))


def commanded(column, change):
    return lambda each: with_column(each.actions, column, change(each))


def test_sound_demonstrations_are_fine():
    result = audit(episodes(8), CONTRACT)
    assert result.findings == [] and result.verdict == 'fine'
    assert {row['verdict'] for row in result.episodes} == {'fine'}
    [pan, lift, finger] = result.values
    assert (pan.name, pan.lag, pan.lag_ms) == ('arm.pan', 2.0, 100.0)
    assert lift.limits == (-2.0, 2.0)
    assert finger.measured[0] == pytest.approx(0.03, abs=1e-3)


def test_a_gripper_that_never_moves_and_an_arm_that_rests_are_fine():
    def rests(each):
        actions = np.array(each.actions)
        actions[40:80] = actions[40]
        actions[:, FINGER] = 0.07
        return actions

    def seen(each):
        out = np.array(each.observations)
        out[42:82, :2] = out[42, :2]  # exactly: a simulated arm has no noise
        out[:, FINGER] = 0.07
        return out

    result = audit(changed(actions=rests, observations=seen), CONTRACT)
    assert [one for one in result.findings if one.verdict == 'wrong'] == []


def test_commands_that_are_the_next_pose_are_fine():
    shown = changed(actions=lambda each: np.array(each.observations[1:, :3]))
    assert audit(shown, CONTRACT).verdict == 'fine'


def test_holds_by_the_gate_are_no_missing_commands():
    """While the gate holds the arm where it is, the command is the measured pose."""
    def held(each):
        actions = np.array(each.actions)
        actions[20:50, :2] = each.observations[20, :2]
        return actions

    def seen(each):
        out = np.array(each.observations)
        out[20:52, :2] = out[20, :2]
        return out

    shown = changed(actions=held, observations=seen, source=lambda each: np.where(
        (np.arange(TICKS) >= 20) & (np.arange(TICKS) < 50), 0, 2).astype(np.uint8))
    assert audit(shown, CONTRACT).verdict != 'wrong'


def test_commands_that_are_the_measured_pose_are_wrong():
    shown = changed(actions=lambda each: np.array(each.observations[:-1, :3]))
    wrong = found(shown, 'no command')
    assert {(one.verdict, one.episode, one.joint) for one in wrong} == {
        ('wrong', '0002', 'arm.pan'), ('wrong', '0002', 'arm.lift')}
    assert '100 % of the commands are the measured pose of the same tick' in str(wrong[0])


def test_first_commands_that_are_the_measured_pose_are_to_be_looked_at():
    shown = changed(actions=lambda each: np.concatenate(
        [each.observations[:60, :3], each.actions[60:]]))
    assert {one.verdict for one in found(shown, 'no command')} == {'look at this'}


@pytest.mark.parametrize(('column', 'factor', 'unit'), [
    (PAN, 180.0 / np.pi, 'degrees'), (FINGER, 1000.0, 'mm'),
    (FINGER, 100.0 / 0.08, 'percent of the range, 0..100')])
def test_a_joint_in_another_unit_is_wrong(column, factor, unit):
    one = the_one(changed(observations=observed(column, lambda of: of * factor)), 'units')
    assert one.verdict == 'wrong' and one.episode == '0002' and unit in one.what
    assert one.joint == ('arm.pan', 'arm.lift', 'gripper.finger')[column]


def test_a_joint_that_moves_against_its_commands_is_wrong():
    [one] = found(changed(observations=observed(PAN, lambda of: -of)), 'sign')
    assert one.verdict == 'wrong' and one.joint == 'arm.pan' and one.episode == '0002'


def speeds():
    """Demonstrations whose arm is commanded by velocities, and their contract."""
    data = deepcopy(CONTRACT_DATA)
    data['actions']['arm'].update(quantity='velocity', hold='zero', minimum=[-1.0, -1.0],
                                  maximum=[1.0, 1.0])

    def commanded(each):
        return np.concatenate([
            np.gradient(each.actions[:, :2], 1.0 / RATE, axis=0), each.actions[:, 2:]], axis=1)

    return {name: replace(each, actions=commanded(each))
            for name, each in episodes().items()}, parse_contract(data)


def test_a_joint_that_moves_against_its_speeds_is_wrong():
    shown, contract = speeds()
    assert audit(shown, contract).verdict == 'fine'
    shown['0002'] = replace(shown['0002'], actions=shown['0002'].actions * [-1.0, 1.0, 1.0])
    [one] = [one for one in audit(shown, contract).findings if one.kind == 'sign']
    assert one.verdict == 'wrong' and one.joint == 'arm.pan' and one.episode == '0002'


def test_speeds_in_another_order_than_the_joints_are_wrong():
    shown, contract = speeds()
    shown = {name: replace(each, actions=each.actions[:, [LIFT, PAN, FINGER]])
             for name, each in shown.items()}
    [one] = [one for one in audit(shown, contract).findings if one.kind == 'order']
    assert one.verdict == 'wrong' and 'pan follows the motion of lift' in one.what


def test_a_joint_that_stays_beside_its_commands_is_to_be_looked_at():
    """As where leader and follower were calibrated at different zeros."""
    [one] = found(changed(observations=observed(PAN, lambda of: of + 0.6)), 'offset')
    assert one.verdict == 'look at this' and one.joint == 'arm.pan'
    assert 'above its commands all the time' in one.what


def test_a_gripper_that_moves_in_another_unit_within_its_limits_is_wrong():
    [one] = found(changed(observations=observed(FINGER, lambda of: 1e-3 * of)), 'scale')
    assert one.verdict == 'wrong' and one.joint == 'gripper.finger'
    assert 'the joint moves 1/1.7' in one.what  # it holds something, so not 1/1000


def test_commands_that_were_cut_to_the_limits_are_wrong():
    def cut(each):
        return np.clip(2.5 * each.actions[:, PAN], -1.5, 1.5)

    shown = changed(actions=commanded(PAN, cut), observations=observed(PAN, lambda of: 2.5 * of))
    [one] = found(shown, 'limits')
    assert one.verdict == 'wrong' and 'were cut to the limits -1.5..1.5' in one.what


@pytest.mark.parametrize('ticks', [2, 4])
def test_commands_after_the_motion_are_wrong(ticks):
    lags = found({'0000': episode(0, lag=-ticks / RATE)}, 'lag')
    assert {one.verdict for one in lags} == {'wrong'}
    assert f'come {ticks} ticks ({50 * ticks} ms) after the motion' in lags[0].what


def test_a_long_lag_is_to_be_looked_at():
    lags = found({'0000': episode(0, lag=0.7)}, 'lag')
    assert {one.verdict for one in lags} == {'look at this'}
    assert '14 ticks (700 ms) later' in lags[0].what


def test_swapped_joints_are_wrong_by_their_motion():
    shown = {name: replace(each, actions=each.actions[:, [LIFT, PAN, FINGER]])
             for name, each in episodes().items()}
    [one] = found(shown, 'order')
    assert one.verdict == 'wrong'
    assert 'the command of pan follows the motion of lift' in one.what


def test_a_frozen_measurement_is_wrong():
    one = the_one(changed(observations=observed(PAN, lambda of: np.full_like(of, -0.6))),
                  'frozen')
    assert one.verdict == 'wrong' and one.joint == 'arm.pan'
    assert 'the measurement is -0.6 in the whole episode' in one.what


def test_a_measurement_that_stops_for_a_while_is_to_be_looked_at():
    def stops(of):
        return np.where((np.arange(len(of)) > 20) & (np.arange(len(of)) < 75), of[20], of)

    [one] = found(changed(observations=observed(PAN, stops)), 'frozen')
    assert one.verdict == 'look at this'
    assert 'stays exactly the same from 1.0 to 3.8 s' in one.what


def test_an_angle_that_wraps_is_wrong():
    """A joint with a wide range, whose driver gives angles within -pi..pi."""
    def wraps(of):
        return (3.0 * (of + 0.6) + 2.0 + np.pi) % (2.0 * np.pi) - np.pi

    data = CONTRACT_DATA | {'actions': {**CONTRACT_DATA['actions'], 'arm': {
        **CONTRACT_DATA['actions']['arm'], 'minimum': [-6.3, -2.0], 'maximum': [6.3, 2.0]}}}
    shown = changed(observations=observed(PAN, wraps), actions=commanded(
        PAN, lambda each: 3.0 * (each.actions[:, PAN] + 0.6) + 2.0))
    [one] = [one for one in audit(shown, parse_contract(data)).findings if one.kind == 'wrap']
    assert one.verdict == 'wrong' and one.joint == 'arm.pan'
    assert 'the measurement jumps by 2 pi, first at' in one.what
    both = {name: replace(each, actions=with_column(
        each.actions, PAN, each.observations[1:, PAN])) for name, each in shown.items()}
    found_in_both = [one for one in audit(both, parse_contract(data)).findings
                     if one.kind == 'wrap']
    assert {one.verdict for one in found_in_both} == {'look at this'}


def test_a_motion_that_no_arm_makes_is_to_be_looked_at():
    def jumps(of):
        return of + np.where(np.arange(len(of)) == 70, 0.7, 0.0)

    one = found(changed(observations=observed(PAN, jumps)), 'jump')[0]
    assert one.verdict == 'look at this' and 'within a tick at 3.5 s' in one.what


def test_a_quaternion_that_flips_is_wrong():
    def flips(each):
        out = np.array(each.observations)
        out[50:70, TOOL][:, 3:] *= -1.0
        return out

    one = the_one(changed(observations=flips), 'flip')
    assert one.verdict == 'wrong' and one.joint == 'tool'
    assert 'changes its sign 2 times, first at 2.5 s' in one.what


def test_an_episode_with_the_other_sign_is_to_be_looked_at():
    def other(each):
        out = np.array(each.observations)
        out[:, TOOL][:, 3:] *= -1.0
        return out

    [one] = found(changed(observations=other), 'flip')
    assert one.verdict == 'look at this' and '0002' in one.what


def test_a_slow_stream_is_to_be_looked_at():
    def slow(each):
        out = np.array(each.observations)
        out[:, :2] = out[np.arange(len(out)) // 4 * 4, :2]
        return out

    [one] = found(changed(observations=slow), 'slow')
    assert one.joint == 'angles' and 'every 4 ticks (5 Hz)' in one.what


def test_two_topics_with_the_same_values_are_to_be_looked_at():
    shown = changed(observations=lambda each: with_column(
        each.observations, FINGER, each.observations[:, PAN]))
    [one] = found(shown, 'same values')
    assert 'finger.finger has exactly the values of angles.pan' in one.what


def test_values_that_are_not_finite_are_wrong():
    one = the_one(changed(observations=observed(LIFT, lambda of: np.where(
        np.arange(len(of)) == 9, np.nan, of))), 'not finite')
    assert one.verdict == 'wrong' and one.joint == 'angles.lift'


@pytest.mark.parametrize(('level', 'word'), [(0, 'black'), (128, 'one colour, grey 128')])
def test_a_camera_without_content_is_wrong(level, word):
    one = the_one(changed(images=lambda each: np.full_like(each.images, level)), 'dead camera')
    assert one.verdict == 'wrong' and one.joint == 'eye' and word in one.what


def test_a_camera_that_repeats_its_image_while_the_arm_moves_is_found():
    stopped = the_one(changed(images=lambda each: np.repeat(
        each.images[:1], len(each.images), axis=0)), 'dead camera')
    assert stopped.verdict == 'wrong' and 'the same image from 0.0 to 8.0 s' in stopped.what
    later = the_one(changed(images=lambda each: np.concatenate(
        [each.images[:60], np.repeat(each.images[60:61], 101, axis=0)])), 'dead camera')
    assert later.verdict == 'look at this'


def test_a_rendered_image_that_repeats_while_the_arm_rests_is_fine():
    def rests(each):
        return np.repeat(each.actions[:1], TICKS, axis=0)

    shown = changed(
        actions=rests, images=lambda each: np.repeat(each.images[:1], TICKS + 1, axis=0),
        observations=lambda each: np.repeat(each.observations[:1], TICKS + 1, axis=0))
    assert found(shown, 'dead camera') == []


def test_an_episode_of_another_length_or_start_is_to_be_looked_at():
    shown = episodes(8)
    shown['0003'] = episode(3, ticks=400)
    [one] = found(shown, 'differs')
    assert one.episode == '0003' and 'length 400 ticks, the others 160..160' in one.what
    shown = changed(8, observations=observed(PAN, lambda of: of + 0.7),
                    actions=commanded(PAN, lambda each: each.actions[:, PAN] + 0.7))
    [one] = found(shown, 'differs')
    assert one.episode == '0002' and one.verdict == 'look at this'
    assert 'angles.pan begins at 0.1' in one.what


def test_the_same_episode_twice_is_to_be_looked_at():
    shown = {**episodes(3), '0009': episode(1)}
    one = the_one(shown, 'same episode')
    assert one.episode == '0009' and 'exactly the values of 0001' in one.what


def test_rests_holds_failures_and_stumps_are_to_be_looked_at():
    assert '62 % of the ticks are holds' in the_one(changed(source=lambda each: np.where(
        np.arange(TICKS) < 100, 0, 2).astype(np.uint8)), 'held').what
    assert 'its outcome is failure' in the_one(changed(outcome=lambda each: 2), 'outcome').what
    still = {'0000': replace(episode(0), actions=np.concatenate(
        [np.repeat(episode(0).actions[:1], 80, axis=0), episode(0).actions[:80]]))}
    assert 'in the first 4.' in found(still, 'still')[0].what
    rests = {'0000': replace(episode(0), actions=np.repeat(episode(0).actions[:1], TICKS, axis=0))}
    assert 'nothing is commanded in the whole episode' in found(rests, 'still')[0].what
    assert 'has 5 ticks' in found({'0000': episode(0, ticks=5)}, 'short')[0].what


def test_what_is_wrong_is_refused_with_what_to_do(tmp_path):
    audit(episodes(3), CONTRACT).refuse_wrong(tmp_path)
    result = audit(episodes(3), CONTRACT, {'0007': 'the file ends early'})
    assert result.verdict == 'wrong'
    with pytest.raises(AuditError, match=(
            r'(?s)would be wrong:.*wrong: 0007: cannot be used: the file ends early'
            '.*--despite-findings')):
        result.refuse_wrong(tmp_path)


def test_the_same_finding_in_several_episodes_is_told_once():
    shown = episodes(4)
    for name in ('0001', '0003'):
        shown[name] = replace(shown[name], images=np.zeros_like(shown[name].images))
    [one] = summed_up(audit(shown, CONTRACT).findings)
    assert str(one).startswith('wrong: 0001: camera eye: 100 % of the images are black '
                               '(and likewise in 1 other episode: 0003). Is it covered')


def test_a_result_is_plain_data():
    shown = changed(actions=lambda each: np.array(each.observations[:-1, :3]))
    plain = json.loads(json.dumps(audit(shown, CONTRACT).plain()))
    assert plain['verdict'] == 'wrong'
    assert [row['bag'] for row in plain['episodes']] == [f'{index:04d}' for index in range(6)]
    assert {'verdict', 'what', 'advice', 'kind', 'episode', 'joint'} == set(plain['findings'][0])
    assert plain['values'][0]['name'] == 'arm.pan'
