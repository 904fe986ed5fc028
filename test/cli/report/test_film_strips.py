# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The report shows what the cameras saw in a few episodes, and how often the judge erred."""

from base64 import b64decode
from dataclasses import asdict
from html import unescape
from pathlib import Path
import re
import sys

import cv2
import numpy as np
from one_camera_arm import one_camera_arm
import pytest
from rclpy.serialization import serialize_message
import yaml

sys.path.append(str(Path(__file__).parents[2] / 'data'))

from inril_ros.msg import Transition  # noqa: E402
from synthetic_robot import bag_of, recording  # noqa: E402

from inril_ros.cli.report.page import write_report  # noqa: E402
from inril_ros.data.frames.transition_images import pack_images  # noqa: E402
from inril_ros.data.raw.typestore import ros_typestore  # noqa: E402
from inril_ros.data.record_files import JsonLines, write_json  # noqa: E402
from inril_ros.data.run.judge_record import JudgedByClassifier  # noqa: E402
from inril_ros.data.run.run_directory import new_settings, RunDirectory  # noqa: E402
from inril_ros.robot.contract.contract import load_contract  # noqa: E402
from inril_ros.robot.messages.images import encode_jpeg  # noqa: E402
from inril_ros.transport.journal.journal import Journal  # noqa: E402

WIDTH, HEIGHT, STEPS, EPISODES = 320, 240, 4, 5
TICKS = 20


def ident(number):
    return f'{number:08d}-0000-4000-8000-000000000000'


def picture(episode, tick):
    """An image of one grey level, by which its episode and its tick are known."""
    return encode_jpeg(np.full((HEIGHT, WIDTH, 3), 40 * episode + tick, np.uint8))


def row(number, **values):
    return {'index': number, 'episode_id': ident(number), 'outcome': 'success', 'ticks': TICKS,
            'env_steps': TICKS * (number + 1), 'weights_version': 10 * number, 'saved': True,
            'person_ticks': 0, **values}


def journal(run, episodes, image=picture):
    """Write the transitions of episodes, of some steps each."""
    kind = 'inril_ros/msg/Transition'
    written = Journal(run.journal, kind, ros_typestore().generate_msgdef(kind)[0])
    for episode in episodes:
        for first in range(0, TICKS, STEPS):
            packed = pack_images([(image(episode, tick),)
                                  for tick in range(first, first + STEPS + 1)])
            written.append(written.next_sequence, 0, serialize_message(Transition(
                episode_id=ident(episode), first_tick=first, steps=STEPS,
                image_data=packed.data, image_sizes=packed.sizes, image_rows=packed.rows)))
    written.close()


@pytest.fixture
def run(tmp_path):
    (tmp_path / 'arm.yaml').write_text(yaml.safe_dump(one_camera_arm(WIDTH, HEIGHT)))
    return RunDirectory.create(
        tmp_path / 'run', new_settings('lift', 0, tmp_path / 'arm.yaml'))


def learned(run, *rows):
    with JsonLines(run.episodes) as lines:
        for each in rows:
            lines.append(each)


def text_of(run):
    page = write_report(run.path).read_text(encoding='utf-8').replace('\u202f', ' ')
    return unescape(' '.join(re.sub(r'<style>.*?</style>|<[^>]+>', ' ', page,
                                    flags=re.DOTALL).split()))


def shown(run):
    """The images on the page, and their captions."""
    page = run.report.read_text(encoding='utf-8')
    found = re.findall(r'src="data:image/jpeg;base64,([^"]+)".*?<figcaption>([^<]+)<', page)
    return [(cv2.imdecode(np.frombuffer(b64decode(data), np.uint8), cv2.IMREAD_COLOR),
             caption.replace('&nbsp;', ' ')) for data, caption in found]


def test_the_first_middle_and_last_episode_of_learning_are_shown_at_six_ticks_each(run):
    learned(run, *map(row, range(EPISODES)), row(EPISODES, outcome='aborted'))
    journal(run, range(EPISODES + 1))
    text = text_of(run)
    assert [text.index(title) for title in (
        'Episode 0, the first', 'Episode 2, the middle', 'Episode 4, the last')]
    assert 'Episode 4, the last success; weights version 40' in text
    images = shown(run)
    ticks = range(0, TICKS + 1, 4)
    assert [round(image.mean()) for image, _ in images] == [
        40 * episode + tick for episode in (0, 2, 4) for tick in ticks]
    assert [caption for _, caption in images[:6]] == [
        'front 0.00 s', '0.40 s', '0.80 s', '1.20 s', '1.60 s', '2.00 s']
    assert {image.shape for image, _ in images} == {(144, 192, 3)}, 'the page stays small'


def test_who_judged_is_told_and_whether_that_was_wrong(run):
    common = {'judge': 'a' * 64, 'purpose': 'rollout', 'ticks': TICKS, 'highest': 0.9}
    learned(run, row(0), row(1, outcome='time_limit'), row(2, cause='judged by a person'))
    journal(run, range(3))
    with JsonLines(run.judge / 'episodes.jsonl') as lines:
        for number, said, by, done in ((0, True, 'classifier', False),
                                       (1, False, 'time limit', True)):
            lines.append(asdict(JudgedByClassifier(
                episode_id=ident(number), said=said, said_at=5 if said else None,
                outcome='success' if said else 'time_limit', by=by, done=done, **common)))
    write_json(run.judge / 'training.json', {'errors': {
        'false': 1, 'failures': 20, 'early': 0, 'missed': 2, 'successes': 25}})
    write_json(run.evaluation('finetuned'), {'episodes': [
        {'seed': 1, 'episode_id': ident(0), 'success': True, 'outcome': 'success'}]})
    text = text_of(run)
    assert 'success, judged by the classifier, which was wrong; weights version 0' in text
    assert 'time limit, though the task was done; weights version 10' in text
    assert 'success: judged by a person; weights version 20' in text
    assert 'failures that it calls a success 1 of 20 5 % 1 to 24 %' in text
    assert 'falsely called a success 1 of 2 50 % 9 to 91 %' in text
    assert 'a success that it did not see 1 of 2' in text
    assert 'after 1 100 % 0 % +100 points' in text


def test_an_episode_without_images_is_said_to_have_none(run):
    learned(run, *map(row, range(EPISODES)))
    journal(run, range(2, EPISODES))  # the first ones were removed: the journal had a limit
    assert text_of(run).count('The journal has no images of it, or no longer.') == 1
    assert len(shown(run)) == 12


def test_an_image_that_is_none_costs_no_report(run):
    learned(run, row(0))
    journal(run, [0], image=lambda episode, tick: b'no image')
    assert 'Its images cannot be read: front: 8 bytes that are no image' in text_of(run)


def test_before_learning_the_demonstrations_are_shown(run):
    assert 'What the cameras saw' not in text_of(run)
    contract = load_contract(run.contract)
    for number in range(2):
        bag_of(run.demonstrations, recording(contract, TICKS, seed=number), f'{number:04d}_e')
    text = text_of(run)
    assert 'Demonstrations: no episode of fine-tuning is there yet.' in text
    assert 'Demonstration 0000_e, the first' in text and 'Demonstration 0001_e, the last' in text
    assert len(shown(run)) == 12


def test_cameras_that_the_policy_has_not_are_shown_in_the_demonstrations(run):
    blind = yaml.safe_load(run.contract.read_text())
    del blind['policy_images']
    run.contract.write_text(yaml.safe_dump(blind))
    learned(run, row(0))
    bag_of(run.demonstrations, recording(load_contract(run.contract), TICKS), '0000_e')
    assert 'images of fine-tuning are kept for cameras of the policy only' in text_of(run)
    assert len(shown(run)) == 6
