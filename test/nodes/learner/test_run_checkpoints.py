# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints refer to experience that is written once: their cost does not grow with age.

A real session, real files; a run that continues from them ends with the same bits as one that was
never interrupted.
"""

import shutil

import numpy as np
import pytest
import torch

from inril_ros.learning.experience import Episode, Transition
from inril_ros.learning.hosts.settings.actor_critic import (
    GaussianActorCriticConfig,
    ResidualSACConfig,
)
from inril_ros.learning.hosts.settings.off_policy import EXPOConfig, IDQLConfig
from inril_ros.learning.hosts.settings.on_policy import ResidualPPOConfig
from inril_ros.learning.policies.artifact import to_bytes
from inril_ros.learning.policies.catalogue import make_policy
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.session import FineTuningSession
from inril_ros.learning.session_config import SessionConfig
from inril_ros.nodes.learner.run_checkpoints import is_whole, RunCheckpoints

CAMERAS = (2, 8, 8, 3)
SMALL = {'warmup_steps': 20, 'warmup_updates': 2, 'batch': 8, 'updates_per_step': 0.1}
HOSTS = {
    'idql': IDQLConfig(**SMALL, candidates=3, target_candidates=2),
    'expo': EXPOConfig(**SMALL, candidates=3, target_candidates=2, critic_members=3),
    'actor_critic': GaussianActorCriticConfig(**SMALL, critic_width=16),
    'residual_sac': ResidualSACConfig(**SMALL, critic_width=16),
    'full': IDQLConfig(**SMALL, candidates=3, target_candidates=2, replay_capacity=30),
    'residual_ppo': ResidualPPOConfig(rollout_steps=60, epochs=1, warmup_iterations=1,
                                      critic_width=16),
}
STEPS = 12
IDENTITY = {'run_id': 'a', 'contract_hash': 'b'}


def arrays(seed, steps, cameras):
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (steps + 1, *CAMERAS), np.uint8) if cameras else None
    return {'observations': random.normal(size=(steps + 1, 3)).astype(np.float32),
            'actions': random.uniform(-1, 1, (steps, 2)), 'images': images}


def session(host, store=None, cameras=False, seed=0, **settings):
    torch.manual_seed(3)
    model = ModelConfig(
        3, 2, kind='gaussian' if host == 'actor_critic' else 'best_of_n', chunk_length=4,
        denoising_steps=4, sampling_steps=2, actor_width=16, critic_width=16,
        cameras=CAMERAS[0] * cameras, image_height=8, image_width=8, image_channels=8,
        image_stages=1, image_blocks=1, image_features=4, image_shift=1)
    shown = [Episode(**arrays(number, STEPS, cameras), rewards=np.eye(STEPS)[-1],
                     terminated=True, success=True) for number in range(3)]
    config = SessionConfig(host=HOSTS[host], **{
        'm': 2, 'imitation_batch': 8, 'alignment_every': 0, **settings})
    return FineTuningSession(config, make_policy(model), shown, seed, 'cpu', (1,), store)


def live(made, numbers, cameras=False):
    """Let the session experience episodes, every third with a person, and learn from them."""
    for number in numbers:
        whole = Episode(**arrays(100 + number, STEPS, cameras), rewards=np.zeros(STEPS),
                        terminated=False, success=False)
        extras = np.zeros(made.policy.extras_size, np.float32)
        for first in range(0, STEPS, 4):
            last = first + 4 == STEPS
            success = last and number % 2 == 0
            made.ingest(Transition(
                f'episode {number}', first, whole.observations[first:first + 5],
                whole.actions[first:first + 4], np.eye(4)[-1] * success, np.zeros(4),
                success, last and not success, success, extras=extras,
                images=None if whole.images is None else whole.images[first:first + 5],
                intervened=np.full(4, number % 3 == 0 and first == 4)))
        while made.updates_due:
            made.update()


def bits(made):
    tensors, document = made.state_dict()
    return to_bytes(tensors), document


def write(checkpoints, made):
    checkpoints.begin(made, {'robot': made.intake.transitions}, 1)
    return checkpoints.finished(wait=True)


def opened(folder, keep=2):
    return RunCheckpoints(folder, keep, IDENTITY)


def continued(folder, host, cameras=False, **settings):
    """Return the checkpoints in a folder, a session that goes on from them, and what is lost."""
    checkpoints = opened(folder)
    found = checkpoints.newest()
    made = session(host, checkpoints.experience, cameras, seed=9, **settings)
    lost = checkpoints.restore(found, made, lambda done, of: None)
    return checkpoints, made, lost


def experience(folder):
    return folder / 'checkpoints' / 'experience'


@pytest.mark.parametrize(('host', 'cameras', 'settings'), [
    *((host, False, {}) for host in HOSTS), ('idql', True, {}), ('residual_ppo', True, {}),
    ('idql', False, {'control': 'shuffled_rewards'}),
    ('expo', False, {'imitation_source': 'replay'}),
    ('full', True, {'imitation_source': 'both'})])
def test_a_run_that_continues_from_files_equals_an_uninterrupted_one(
        tmp_path, host, cameras, settings):
    whole = session(host, cameras=cameras, **settings)
    live(whole, range(9), cameras)
    checkpoints = opened(tmp_path)
    made = session(host, checkpoints.experience, cameras, **settings)
    for numbers in (range(3), range(3, 5), range(5, 7)):  # killed each time, with work not saved
        live(made, numbers, cameras)
        write(checkpoints, made)
        before = bits(made)
        live(made, [numbers.stop], cameras)
        checkpoints.close()
        checkpoints, made, lost = continued(tmp_path, host, cameras, **settings)
        assert lost == [] and bits(made) == before
    live(made, range(7, 9), cameras)
    assert bits(made) == bits(whole)
    checkpoints.close()


def test_a_checkpoint_writes_what_came_since_the_last_one(tmp_path):
    """Bytes and files, after four episodes and after forty; only names and hashes grow."""
    checkpoints = opened(tmp_path)
    made = session('idql', checkpoints.experience, cameras=True)
    sizes, written = [], []
    for first in range(0, 40, 4):
        live(made, range(first, first + 4), cameras=True)
        before = {path.name for path in experience(tmp_path).glob('*.safetensors')}
        write(checkpoints, made)
        written.append(len({path.name for path in experience(tmp_path).glob('*.safetensors')}
                           - before))
        newest = max((tmp_path / 'checkpoints').glob('0*'))
        sizes.append(sum(path.stat().st_size for path in newest.iterdir()))
    assert set(written[1:]) == {5}  # four episodes and the new proposals
    assert (sizes[-1] - sizes[1]) / 32 < 250  # bytes per episode
    checkpoints.close()


def test_a_snapshot_copies_nothing_that_grows_with_age(tmp_path):
    checkpoints = opened(tmp_path)
    made, sizes = session('expo', checkpoints.experience), []
    for first in (0, 10, 20):
        live(made, range(first, first + 10))
        snapshot = made.snapshot()
        sizes.append(sum(tensor.nbytes for name, tensor in snapshot.tensors.items()))
        checkpoints.experience.save(snapshot.numbers)
    assert sizes[2] - sizes[1] <= 10 * 3 * 8  # numbers of ten episodes
    checkpoints.close()


def test_images_of_own_episodes_are_mapped_and_in_one_file(tmp_path):
    checkpoints = opened(tmp_path)
    made = session('idql', checkpoints.experience, cameras=True)
    live(made, range(4), cameras=True)
    size = (STEPS + 1) * int(np.prod(CAMERAS))
    assert [path.stat().st_size for path in experience(tmp_path).glob('*.images')] == [size] * 4
    write(checkpoints, made)
    checkpoints.close()
    checkpoints, made, _ = continued(tmp_path, 'idql', cameras=True)
    replay = made.host.replay
    for image in (replay._images[int(replay.online_rows[0])], made.memory._frames._rows[-1]):
        base = image
        while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
            base = base.base
        assert isinstance(base, np.memmap)
    checkpoints.close()


@pytest.mark.parametrize('damage', ['flip', 'cut', 'gone'])
@pytest.mark.parametrize('kind', ['safetensors', 'images'])
def test_a_damaged_episode_is_left_out_and_named(tmp_path, damage, kind):
    checkpoints = opened(tmp_path)
    made = session('idql', checkpoints.experience, cameras=True)
    live(made, range(4), cameras=True)
    write(checkpoints, made)
    checkpoints.close()
    path = sorted(experience(tmp_path).glob(f'0*.{kind}'))[-2]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.unlink()
    if damage != 'gone':
        path.write_bytes(content if damage == 'flip' else content[:-1])
    checkpoints, again, lost = continued(tmp_path, 'idql', cameras=True)
    if (kind, damage) == ('images', 'flip'):  # gigabytes, which are not read at the start
        assert lost == [] and write(checkpoints, again)
        damaged = checkpoints.experience.take_damaged()
        again.forget(damaged.keys())
        lost = list(damaged.values())
    assert len(lost) == 1 and str(path) in lost[0]
    assert again.host.replay.episodes == made.host.replay.episodes - 1
    assert again.env_steps == made.env_steps
    live(again, range(4, 6), cameras=True)
    assert write(checkpoints, again)
    checkpoints.close()
    assert continued(tmp_path, 'idql', cameras=True)[2] == []


def test_without_their_context_episodes_are_left_out_and_named(tmp_path):
    checkpoints = opened(tmp_path)
    made = session('idql', checkpoints.experience)
    live(made, range(2))
    write(checkpoints, made)
    live(made, range(2, 4))
    write(checkpoints, made)
    checkpoints.close()
    first = min(experience(tmp_path).glob('context-*'))
    first.unlink()
    _, again, lost = continued(tmp_path, 'idql')
    assert f'{first} is missing' in lost[0]
    assert sum('what the host stored with its observations is missing' in line
               for line in lost) == 4  # two of them demonstrations
    assert again.host.replay.episodes == 2 and len(again.memory.numbers) > 2


def test_a_full_disk_costs_no_experience(tmp_path, monkeypatch):
    """What could not be written is written by the next checkpoint that can be."""
    whole = session('idql', cameras=True)
    live(whole, range(5), cameras=True)
    checkpoints = opened(tmp_path)
    made = session('idql', checkpoints.experience, cameras=True)
    live(made, range(2), cameras=True)

    def full(*arguments):
        raise OSError(28, 'No space left on device')

    for name in ('learning.stored.experience_files.write_synced',
                 'learning.stored.context_files.write_synced',
                 'learning.stored.experience_files.ExperienceFiles._write_images',
                 'learning.policies.artifact.write_synced'):
        with monkeypatch.context() as patch:
            patch.setattr(f'inril_ros.{name}', full)
            if 'images' in name:
                live(made, range(2, 4), cameras=True)
            with pytest.raises(OSError, match='No space left'):
                write(checkpoints, made)
    live(made, range(4, 5), cameras=True)
    assert write(checkpoints, made)
    checkpoints.close()
    checkpoints, again, lost = continued(tmp_path, 'idql', cameras=True)
    assert lost == [] and bits(again) == bits(whole)
    checkpoints.close()


def test_files_that_no_kept_checkpoint_refers_to_are_removed(tmp_path):
    """Outdated proposals, and episodes of a process that was killed before its checkpoint."""
    checkpoints = opened(tmp_path)
    made = session('idql', checkpoints.experience)
    live(made, range(2))
    write(checkpoints, made)
    orphan = experience(tmp_path) / '00000099.safetensors'
    shutil.copy(experience(tmp_path) / '00000001.safetensors', orphan)
    checkpoints.close()
    checkpoints, made, _ = continued(tmp_path, 'idql')
    assert checkpoints.experience.next_number > 99  # a number never comes again
    for number in range(2, 5):
        live(made, [number])
        write(checkpoints, made)
    assert not orphan.exists()
    checkpoints.close()


def test_a_run_of_a_former_version_goes_on(tmp_path):
    checkpoints = opened(tmp_path)
    made = session('idql')
    live(made, range(3))
    write(checkpoints, made)
    checkpoints.close()
    checkpoints = opened(tmp_path)
    found = checkpoints.newest()
    assert is_whole(found)
    again = session('idql', seed=9)
    assert checkpoints.restore(found, again, lambda done, of: None) == []
    assert bits(again) == bits(made)
    live(again, range(3, 5))
    assert write(checkpoints, again)
    checkpoints.close()


def test_a_snapshot_needs_files():
    with pytest.raises(ValueError, match='begun without any'):
        session('idql').snapshot()


def test_what_is_no_longer_remembered_leaves_the_disk(tmp_path):
    """With room for two episodes, those of a person stay, and files stay bounded."""
    checkpoints, counts = opened(tmp_path), []
    made = session('full', checkpoints.experience, cameras=True)
    for number in range(12):
        live(made, [number], cameras=True)
        write(checkpoints, made)
        counts.append(len(list(experience(tmp_path).glob('0*'))))
    stored = made.host.stored
    assert [each.shown for each in stored] == [True, True, False, False]
    assert made.host.replay.removed == 10 and stored[-1].steps == STEPS
    assert max(counts[4:]) == counts[-1] <= 2 * (2 + 2 + 2 + 3)
    snapshot = made.snapshot()
    assert set(snapshot.numbers.tolist()) >= {each.number for each in stored}
    checkpoints.close()
