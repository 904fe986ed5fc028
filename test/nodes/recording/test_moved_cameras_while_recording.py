# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""No demonstration is recorded through a camera that moved after those that are there."""

from configured_node import configured, written
from drawn_scene import demonstrated, HEIGHT, image, WIDTH
from inril_ros.msg import EpisodeEvent, EpisodeRequest
import pytest
from small_arm import (
    DESCRIPTION,
    executed,
    executed_message,
    observations,
    outcome_message,
    START,
    TICK,
)

from inril_ros.data.cameras.reference_view import reference_view, renewed
from inril_ros.data.cameras.view_folder import ViewFolder
from inril_ros.data.demonstrations.demonstration_set import list_demonstrations
from inril_ros.data.raw.messages import message_class, serialised
from inril_ros.nodes.recorder_node import RecorderNode
from inril_ros.robot.contract.contract import parse_contract
from inril_ros.robot.messages.images import encode_image

SEEING = {**DESCRIPTION, 'policy_images': {'cameras': ['front'], 'width': 32, 'height': 24},
          'cameras': {'front': {'topic': 'front', 'width': WIDTH, 'height': HEIGHT}}}
CONTRACT = parse_contract(SEEING)
VIEW = reference_view(*demonstrated())
TICKS = 6
SAVED, DISCARDED = EpisodeEvent.SAVED, EpisodeEvent.DISCARDED


class Recorder:
    """A recorder beside the reference views of a run, if it has some; its verdicts and aborts."""

    def __init__(self, node, folder):
        self.node, self.folder, self.verdicts, self.aborts = node, folder, [], 0
        self.clock, self.number = START, 0
        node._report._events.publish = self.verdicts.append
        node.now = lambda: self.clock
        if hasattr(node._views, '_abort'):
            node._views._abort = self

    def service_is_ready(self):
        return True

    def call_async(self, _):
        self.aborts += 1

    def demonstrate(self, shown):
        """Show an image at each tick of a demonstration; return the recorder's verdict."""
        self.number += 1
        self._event(EpisodeEvent.RESETTING, self.clock)
        self._event(EpisodeEvent.STARTED, self.clock)
        start = self.clock
        for tick in range(TICKS + 1):
            self.see(shown, start + tick * TICK)
            if tick < TICKS:
                action = executed_message(executed(tick))
                action.episode_id = f'e{self.number}'
                stamp = action.header.stamp
                stamp.sec, stamp.nanosec = divmod(start + tick * TICK, 10 ** 9)
                self._take('executed_action', action)
        self._take('outcome', outcome_message(self.clock))
        self.node._check_progress()
        aborted = len(self.verdicts) == self.number
        self._event(EpisodeEvent.ENDED, self.clock, TICKS,
                    EpisodeEvent.ABORTED if aborted else EpisodeEvent.SUCCESS)
        self.clock += 10 * TICK
        self.node._check_progress()
        assert len(self.verdicts) == self.number
        return self.verdicts[-1]

    def see(self, shown, stamp):
        """Show an image at a time [ns], with observations."""
        self.clock = stamp
        picture = encode_image(CONTRACT.cameras['front'], shown, stamp, message_class)
        for topic, message in [*observations(stamp), ('front', picture)]:
            self._take(topic, message)

    def look_around(self, shown):
        """Show an image while no episode runs."""
        self.see(shown, self.clock + TICK)
        self.node._check_and_report()

    def _take(self, topic, message):
        self.node._on_message(topic, message.__msgtype__, serialised(message))

    def _event(self, kind, stamp, tick=0, outcome=EpisodeEvent.UNKNOWN):
        message = EpisodeEvent(
            run_id='r', contract_hash=CONTRACT.hash, episode_id=f'e{self.number}', event=kind,
            purpose=EpisodeRequest.DEMONSTRATION, tick=tick, outcome=outcome)
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp, 10 ** 9)
        self.node._on_event(message)


@pytest.fixture(params=[True], ids=['with views'])
def recorder(request, tmp_path):
    folder = ViewFolder(tmp_path / 'cameras')
    if request.param:
        folder.write({'front': VIEW}, CONTRACT, 'demonstrations')
    with configured(
            RecorderNode, written(SEEING, tmp_path), run_id='r', lockstep=False, settle=0.0,
            demonstrations=str(tmp_path / 'demonstrations')) as node:
        yield Recorder(node, folder)


def kept(recorder):
    return [each.path for each in list_demonstrations(recorder.folder.path.parent
                                                      / 'demonstrations')
            if each.state == 'kept']


def test_a_demonstration_with_the_view_of_the_others_is_kept(recorder):
    assert recorder.demonstrate(image(50)).event == SAVED
    assert len(kept(recorder)) == 1 and not recorder.aborts
    assert not recorder.node.why_not_ready()


def test_one_through_a_moved_camera_is_aborted_and_no_other_begins(recorder):
    verdict = recorder.demonstrate(image(50, 10))
    assert verdict.event == DISCARDED and recorder.aborts == 1 and not kept(recorder)
    assert 'shifted by 10 px to the right' in verdict.reason
    assert str(recorder.folder.picture) in verdict.reason and recorder.folder.picture.exists()
    recorder.look_around(image(50, 10))
    assert 'shifted by 10 px' in recorder.node.why_not_ready()


def test_it_goes_on_once_the_camera_was_put_back_or_its_view_was_accepted(recorder):
    recorder.demonstrate(image(50, 10))
    recorder.look_around(image(51))
    assert not recorder.node.why_not_ready()
    assert recorder.demonstrate(image(51)).event == SAVED
    recorder.demonstrate(image(52, 10))
    recorder.folder.write({'front': renewed(VIEW, recorder.folder.refused(CONTRACT)['front'])},
                          CONTRACT, 'accepted')
    recorder.look_around(image(52, 10))
    assert not recorder.node.why_not_ready()
    assert recorder.demonstrate(image(53, 10)).event == SAVED
    assert len(kept(recorder)) == 2


def test_a_small_shift_is_told_and_recorded(recorder):
    assert recorder.demonstrate(image(50, 2)).event == SAVED
    assert 'shifted by 2 px' in recorder.node.health().details['cameras']


def test_views_that_cannot_be_read_are_no_leave_to_record(recorder):
    recorder.folder.record.unlink()
    verdict = recorder.demonstrate(image(50))
    assert verdict.event == DISCARDED and 'cannot be read' in verdict.reason
    assert recorder.aborts == 1


@pytest.mark.parametrize('recorder', [False], ids=['without views'], indirect=True)
def test_without_reference_views_everything_is_recorded(recorder):
    assert recorder.demonstrate(image(50)).event == SAVED
    assert recorder.demonstrate(image(51, 10)).event == SAVED
    assert len(kept(recorder)) == 2 and not recorder.aborts
