# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The policy doesn't act on the images of a camera that was moved, until it is put back."""

from configured_node import configured, written
from drawn_scene import demonstrated, HEIGHT, image, WIDTH
from inril_ros.msg import EpisodeEvent, EpisodeRequest
import pytest
from small_arm import DESCRIPTION, observations, START, TICK

from inril_ros.data.cameras.reference_view import reference_view, renewed
from inril_ros.data.cameras.view_folder import ViewFolder
from inril_ros.learning.policies.artifact import save_policy
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.image_settings import image_sizes
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.nodes.base.message_types import message_type
from inril_ros.nodes.policy_node import PolicyNode
from inril_ros.robot.contract.contract import parse_contract
from inril_ros.robot.messages.images import encode_image

SEEING = {**DESCRIPTION, 'policy_images': {'cameras': ['front'], 'width': 32, 'height': 24},
          'cameras': {'front': {'topic': 'front', 'width': WIDTH, 'height': HEIGHT}}}
CONTRACT = parse_contract(SEEING)
VIEW = reference_view(*demonstrated())


class Arm:
    """A policy node in a run with reference views, and the messages that it gets."""

    def __init__(self, node, folder):
        self.node, self.folder, self.acted, self.tick = node, folder, [], 0
        node._infer_if_due = lambda frame, observation: self.acted.append(frame.stamp)

    def begin(self):
        """Begin an episode."""
        self._send(EpisodeEvent.STARTED)

    def see(self, shown):
        """Show an image at the next tick; return whether the policy acted."""
        self.tick += 1
        stamp, camera = START + self.tick * TICK, CONTRACT.cameras['front']
        for topic, message in [*observations(stamp), (
                'front', encode_image(camera, shown, stamp, message_type))]:
            self.node._aligner.add(topic, message)
        before = len(self.acted)
        if self.node._episode is not None:
            self.node._act(stamp)
        return len(self.acted) > before

    def end(self):
        """End the episode, and look around once."""
        self._send(EpisodeEvent.ENDED)
        self.node._look_around()

    def _send(self, event):
        self.node._on_event(EpisodeEvent(
            event=event, purpose=EpisodeRequest.EVALUATION, run_id='r', episode_id='e',
            contract_hash=CONTRACT.hash, outcome=EpisodeEvent.ABORTED))


@pytest.fixture
def arm(tmp_path):
    save_policy(tmp_path / 'pretrained', BestOfN(ModelConfig(
        CONTRACT.observation_size, CONTRACT.action_size, chunk_length=2, actor_width=8,
        critic_width=8, **image_sizes(CONTRACT.image_shape))))
    folder = ViewFolder(tmp_path / 'cameras')
    folder.write({'front': VIEW}, CONTRACT, 'demonstrations')
    with configured(PolicyNode, written(SEEING, tmp_path), run_id='r', lockstep=False,
                    model=str(tmp_path / 'pretrained')) as node:
        yield Arm(node, folder)


def test_the_policy_acts_when_cameras_show_what_they_showed(arm):
    arm.begin()
    assert arm.see(image(50)) and arm.see(image(50))
    assert not arm.node.why_not_ready() and not arm.node.hold_reasons()


def test_a_moved_camera_keeps_the_policy_from_acting_and_the_node_from_being_ready(arm):
    arm.begin()
    assert not arm.see(image(50, 10)) and not arm.see(image(50, 10))
    [reason] = arm.node.hold_reasons()
    assert 'shifted by 10 px to the right' in reason and str(arm.folder.picture) in reason
    assert arm.folder.picture.exists()
    assert not arm.node._status.ready
    arm.end()
    assert arm.node.why_not_ready() == reason, 'the newest image is still that of a moved camera'


def test_the_policy_acts_again_once_the_camera_was_put_back(arm):
    arm.begin()
    arm.see(image(50, 10))
    arm.end()
    arm.see(image(50))
    arm.node._look_around()
    assert not arm.node.why_not_ready() and arm.node._status.ready
    arm.begin()
    assert arm.see(image(51))


def test_the_policy_acts_again_once_the_view_was_accepted(arm):
    arm.begin()
    arm.see(image(50, 10))
    arm.end()
    arm.folder.write({'front': renewed(VIEW, arm.folder.refused(CONTRACT)['front'])}, CONTRACT, '')
    arm.node._look_around()
    assert not arm.node.why_not_ready()
    arm.begin()
    assert arm.see(image(51, 10))


def test_views_that_are_made_again_count_from_the_next_episode_on(arm):
    arm.begin()
    assert arm.see(image(50))
    arm.end()
    arm.folder.write({'front': renewed(VIEW, image(50, 10))}, CONTRACT, 'again')
    arm.begin()
    assert not arm.see(image(51)) and 'to the left' in arm.node.why_not_ready()
    arm.folder.record.unlink()
    arm.begin()
    assert not arm.see(image(51, 10)) and 'cannot be read' in arm.node.hold_reasons()[0]


def test_a_camera_that_moved_a_little_is_told_once_and_the_policy_acts(arm):
    said = []
    logger = arm.node.get_logger()
    arm.node.get_logger = lambda: type('Log', (), {
        'warning': lambda self, text, **_: said.append(text),
        '__getattr__': lambda self, name: getattr(logger, name)})()
    for episode in range(3):
        arm.begin()
        assert arm.see(image(50 + episode, 2))
    [told] = [text for text in said if 'camera front' in text]
    assert 'shifted by 2 px' in told
    assert 'shifted by 2 px' in arm.node.health().details['cameras']


def test_a_black_image_is_refused(arm):
    arm.begin()
    assert not arm.see(0 * image(50))
    assert 'shows nothing' in arm.node.why_not_ready()


def test_an_episode_is_checked_at_its_beginning_only(arm):
    arm.begin()
    assert arm.see(image(50))
    assert arm.see(image(50, 10)), 'what a person or an arm hides meanwhile is no move'


def test_a_model_without_reference_views_acts_unchecked(arm, tmp_path_factory):
    arm.folder.record.unlink()
    with configured(PolicyNode, written(SEEING, tmp_path_factory.mktemp('other')), run_id='r',
                    lockstep=False, model=str(arm.folder.path.parent / 'pretrained')) as node:
        other = Arm(node, arm.folder)
        other.begin()
        assert other.see(image(50, 10))
