# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""With recorder and learner in real time, late samples and lost actions cost their ticks."""

import time

from inril_ros.msg import EpisodeEvent
import numpy as np
from played_arm import CHUNK, PlayedEpisode, SUCCESS
import pytest
from recorder_learner_lab import laboratory

TICKS = 16


@pytest.fixture(scope='module')
def lab(tmp_path_factory):
    recorder = {'lockstep': False, 'settle': 0.2, 'give_up': 3.0}
    with laboratory(tmp_path_factory.mktemp('lab'), recorder) as lab:
        yield lab


def play(lab, late=(), lost=()):
    """Play an episode that begins now; return it, and the reason of the verdict.

    Args:
        lab: The laboratory.
        late: Ticks whose joint state doesn't come.
        lost: Ticks whose executed action doesn't come.
    """
    # Messages are published ahead of their times: the recorder waits for each tick to be over.
    episode = PlayedEpisode(time.time_ns(), TICKS, SUCCESS)
    lab.player.play(episode.opening())
    for tick in range(TICKS):
        lab.player.play([item for item in episode.step(tick) if not (
            item[0] == 'joint_states' and tick in late
            or item[0] == 'executed_action' and tick in lost)])
    lab.player.play(episode.closing())
    lab.wait_saved(episode)
    return episode, lab.player.event(episode, EpisodeEvent.SAVED).reason


def test_the_learner_has_all_but_what_nobody_can_know(lab):
    whole, reason = play(lab)
    assert reason == 'journaled'
    lab.wait_learner_has_all()
    assert (lab.learner.env_steps, lab.learner.episodes) == (TICKS, 1)

    late, reason = play(lab, late=(5, 6))
    assert reason == ('journaled; of 16 ticks: 1 tick without a valid observation (joint_states: '
                      'angle is 0.200 s old, 0.1 s allowed)')
    lab.wait_learner_has_all()
    assert (lab.learner.env_steps, lab.learner.episodes, lab.learner.successes) == (
        2 * TICKS - 1, 2, 2)
    record = next(each for each in lab.journal()
                  if each.episode_id == late.id and each.first_tick == CHUNK)
    rows = np.reshape(record.observations, (CHUNK + 1, record.observation_size))
    assert np.isnan(rows).all(axis=1).tolist() == [False, False, True, False, False]

    cut, reason = play(lab, lost=(9,))
    assert reason.endswith('2 ticks left out (executed action 9 never came)')
    lab.wait_learner_has_all()
    assert [(each.first_tick, each.steps) for each in lab.journal()
            if each.episode_id == cut.id] == [(0, 4), (4, 4), (10, 2), (12, 4)]
    assert (lab.learner.env_steps, lab.learner.episodes, lab.learner.successes) == (
        3 * TICKS - 3, 3, 3)
    assert lab.recorder.discarded == 0 and lab.recorder.saved == 3
