# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The doctor finds faults, reports no others, and always says what to do."""

from collections import namedtuple
from pathlib import Path
import shutil

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from inril_ros.doctor.finding import Finding, worst
from inril_ros.doctor.machine import check_environment, check_machine
from inril_ros.doctor.streams import check_profiles, check_streams, TopicRecord
from inril_ros.robot.contract.contract import load_contract

CONTRACT = load_contract(
    Path(__file__).parents[2] / 'config' / 'robots' / 'gazebo_arm.yaml')
JOINTS, COMMANDS = 'joint_states', 'joint_trajectory_controller/joint_trajectory'


def healthy(delay=0.002, period=0.05):
    """Return the topic records of a robot that fits its contract."""
    stamps = tuple(1000.0 + period * np.arange(40))
    came = tuple(stamp + delay for stamp in stamps)
    records = {topic: TopicRecord((kind,), 1, 0, came, stamps) for topic, kind in {
        **CONTRACT.observation_topics(),
        **{camera.topic: camera.type for camera in CONTRACT.cameras.values()}}.items()}
    return records | {topic: TopicRecord((kind,), 0, 1)
                      for topic, kind in CONTRACT.action_topics().items()}


def findings(records, **options):
    return list(check_streams(CONTRACT, records, 2.0, **options))


def findings_in(found, area, level):
    return [each.what for each in found if (each.area, each.level) == (area, level)]


def test_a_robot_that_fits_its_contract_has_no_findings():
    found = findings(healthy())
    assert worst(found) == 'ok'
    for topic in healthy():
        assert any(each.what.startswith(f'{topic}: ') for each in found)


@pytest.mark.parametrize(('topic', 'change', 'level', 'message'), [
    (JOINTS, dict(publishers=0), 'error', 'nobody publishes it'),
    (JOINTS, dict(types=('std_msgs/msg/Float64',)), 'error',
     'is std_msgs/msg/Float64, the contract says sensor_msgs/msg/JointState'),
    (JOINTS, dict(received=(), stamps=()), 'error', 'no message within 2 s'),
    (JOINTS, dict(received=(1.0, 1.05), stamps=(0.0, 0.0)), 'warning', 'only 2 messages'),
    (JOINTS, dict(received=(0.0, 0.5, 1.0), stamps=(0.0,) * 3), 'error', 'longest gap 0.500 s'),
    (JOINTS, dict(received=(*np.arange(20) * 0.05, 1.4), stamps=(0.0,) * 21), 'warning',
     'longest gap 0.450 s'),
    (JOINTS, dict(errors=('joints [joint_1] are missing',)), 'error', 'joint_1'),
    (COMMANDS, dict(subscribers=0), 'error', 'nobody subscribes to it'),
    (COMMANDS, dict(types=('std_msgs/msg/Float64MultiArray',)), 'error', 'the contract says')])
def test_a_fault_of_one_topic_is_reported_for_that_topic(topic, change, level, message):
    records = healthy()
    records[topic] = TopicRecord(**{**vars(records[topic]), **change})
    wrong = [each for each in findings(records) if each.level != 'ok']
    assert [each.level for each in wrong] == [level]
    assert wrong[0].what.startswith(f'{topic}: ') and message in wrong[0].what


@pytest.mark.parametrize(('delay', 'level'), [
    (-0.2, 'error'), (-0.01, 'ok'), (0.05, 'ok'), (3.0, 'error')])
def test_clock_offsets_are_distinguished_from_a_slow_network(delay, level):
    found = findings(healthy(delay))
    assert {each.level for each in found if each.area == 'clocks'} == {level}
    assert not [each for each in findings(healthy(delay), simulated=True) if each.area == 'clocks']


def test_profiles_that_do_not_fit_are_named():
    found = list(check_profiles([
        ('/a', 'one', 'two', ''), ('/b', 'three', 'four', 'best effort and reliable')]))
    assert findings_in(found, 'qos', 'error') == [
        '/b: four does not receive from three: best effort and reliable']
    assert findings_in(found, 'qos', 'ok') == ['1 pairs of publishers and subscribers fit']


@pytest.mark.parametrize(('environment', 'levels'), [
    ({'ROS_DOMAIN_ID': '17'}, ['ok', 'ok']), ({}, ['ok', 'warning']),
    ({'ROS_DOMAIN_ID': '300'}, ['ok', 'error']), ({'ROS_DOMAIN_ID': 'left'}, ['ok', 'error']),
    ({'ROS_DOMAIN_ID': '1', 'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'}, ['ok', 'ok', 'note'])])
def test_the_ros_domain_and_discovery_range_are_judged(environment, levels):
    assert [each.level for each in check_environment(environment)] == levels


@pytest.mark.parametrize(('free', 'level'), [(1e9, 'error'), (1e10, 'warning'), (1e12, 'ok')])
def test_a_disk_that_is_almost_full_is_reported(monkeypatch, tmp_path, free, level):
    usage = namedtuple('usage', 'total used free')
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: usage(1e13, 0, free))
    disk = next(iter(check_machine(tmp_path / 'not' / 'there', {}, tmp_path)))
    assert disk.level == level and 'GB free' in disk.what


@pytest.mark.parametrize(('size', 'governor', 'expected'), [
    ('212992', 'powersave', {'dds': 'warning', 'machine': 'note'}),
    ('8388608', 'performance', {'dds': 'ok', 'machine': 'ok'})])
def test_buffers_and_processor_are_read_from_the_system(tmp_path, size, governor, expected):
    for name, text in (('proc/sys/net/core/rmem_max', size),
                       ('sys/devices/system/cpu/cpu0/cpufreq/scaling_governor', governor)):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(f'{text}\n')
    found = {each.area: each.level for each in check_machine(tmp_path, {}, tmp_path)
             if 'buffers' in each.what or 'processor' in each.what}
    assert found == expected


@pytest.mark.parametrize(('enabled', 'level', 'words'), [
    ('1', 'note', 'nice counts only among the processes of one terminal'),
    ('0', 'ok', 'nice counts among all processes'), (None, None, '')])
def test_autogroups_that_make_nice_void_are_told_with_what_to_do(
        tmp_path, enabled, level, words):
    file = tmp_path / 'proc/sys/kernel/sched_autogroup_enabled'
    file.parent.mkdir(parents=True)
    if enabled is not None:
        file.write_text(f'{enabled}\n')
    found = [each for each in check_machine(tmp_path, {}, tmp_path)
             if each.what.startswith('nice')]
    assert [each.level for each in found] == ([level] if level else [])
    if level == 'note':
        assert words in found[0].what and '/proc/self/autogroup' in found[0].advice


def test_values_that_the_machine_does_not_provide_are_left_out(tmp_path):
    assert not [each for each in check_machine(tmp_path, {}, tmp_path)
                if 'buffers' in each.what or 'processor' in each.what]


def test_the_verdict_is_the_worst_level():
    levels = ['ok', 'note', 'warning', 'error']
    for end in range(1, 5):
        assert worst(Finding('a', level, 'b', 'c') for level in levels[:end]) == levels[end - 1]
    assert worst([]) == 'ok'


def test_each_finding_has_a_remedy():
    with pytest.raises(ValueError, match='has no advice'):
        Finding('machine', 'error', 'broken')


@given(st.dictionaries(
    st.sampled_from([*healthy(), 'unknown']),
    st.builds(TopicRecord, st.lists(st.sampled_from(['sensor_msgs/msg/JointState', 'x/msg/Y']),
                              max_size=2).map(tuple),
              st.integers(0, 2), st.integers(0, 2),
              st.lists(st.floats(0, 10), max_size=5).map(lambda x: tuple(sorted(x))),
              st.lists(st.floats(0, 10), max_size=5).map(tuple),
              st.lists(st.text(max_size=3), max_size=1).map(tuple))))
def test_each_topic_gets_a_finding_whatever_was_received(records):
    found = findings(records)
    for topic in healthy():
        assert any(each.what.startswith(f'{topic}: ') for each in found)
