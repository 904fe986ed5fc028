# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What frozen image networks make of a frame is computed once, and stands for its pixels."""
from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from inril_ros.learning.experience import Episode, Transition
from inril_ros.learning.hosts.settings.off_policy import IDQLConfig
from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.artifact import build_policy
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.image_encoder import ImageEncoder
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.learning.session import FineTuningSession
from inril_ros.learning.session_config import SessionConfig
from inril_ros.learning.stored.experience_store import ExperienceStore

STEPS, FIRST, LAST = 12, 100, 103
MODEL = ModelConfig(
    3, 2, actor_width=16, critic_width=16, cameras=2, image_height=16, image_width=16,
    image_channels=8, image_stages=2, image_blocks=1, image_features=4, image_shift=0,
    image_frozen=True)
CONFIG = SessionConfig(
    host=IDQLConfig(warmup_steps=10, warmup_updates=2, batch=8, candidates=4,
                    target_candidates=2, renewed=0.5), imitation_batch=8, m=2)


def episode(number: int) -> Episode:
    """Return an episode whose images tell its steps apart; every second one succeeds."""
    random = np.random.default_rng(number)
    success = number % 2 == 0
    return Episode(
        random.normal(size=(STEPS + 1, 3)), random.uniform(-1, 1, (STEPS, 2)),
        np.arange(STEPS) == (STEPS - 1 if success else -1), success, success,
        images=random.integers(0, 256, (STEPS + 1, *MODEL.image_shape), dtype=np.uint8))


def clone(seed: int = 3, model: ModelConfig = MODEL) -> BestOfN:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return BestOfN(model)


def session(seed: int = 0, policy: BestOfN | None = None,
            store: ExperienceStore | None = None) -> FineTuningSession:
    return FineTuningSession(CONFIG, policy or clone(), [episode(number) for number in range(5)],
                             seed, 'cpu', heldout=(2,), store=store)


def learn(made: FineTuningSession, numbers: range) -> None:
    for number in numbers:
        whole = episode(number)
        made.ingest(Transition(
            str(number), 0, whole.observations, whole.actions, whole.rewards, np.zeros(STEPS),
            whole.success, not whole.success, whole.success, images=whole.images))
        while made.updates_due:
            made.update()


def assert_same(first: FineTuningSession, second: FineTuningSession) -> None:
    (expected, document), (found, found_document) = first.state_dict(), second.state_dict()
    assert found_document == document
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert torch.equal(found[name], value), name


def test_the_memories_hold_what_the_networks_make_of_each_frame_and_no_pixels() -> None:
    made = session()
    learn(made, range(FIRST, LAST))
    shown = [number for number in range(5) if number != 2]
    pixels = np.concatenate([episode(number).images for number in (*shown, *range(FIRST, LAST))])
    pooled = made.policy.actor.encoder.images.pooled(torch.from_numpy(pixels))
    tensors, _ = made.state_dict()
    # Rounded otherwise, because another number of frames is computed together.
    torch.testing.assert_close(tensors['host.replay.images'], pooled, atol=1e-6, rtol=0.0)
    assert not [name for name, tensor in tensors.items()
                if 'images' in name and tensor.dtype == torch.uint8]
    state, images, _ = made.memory.pairs(made.memory.success_rows[3:4])
    slot = np.flatnonzero((tensors['host.replay.observations'].numpy() == state).all(axis=1))
    assert np.array_equal(images, tensors['host.replay.images'].numpy()[slot])


def test_an_update_is_that_from_the_pixels() -> None:
    """Up to rounding: batches of other sizes are put through the networks."""
    made = session()
    learn(made, range(FIRST, LAST))
    host, frames = made.host, {}
    for number in (0, 1, 3, 4, *range(FIRST, LAST)):
        whole = episode(number)
        frames.update({row.tobytes(): image
                       for row, image in zip(whole.observations, whole.images)})

    def seen(observations: Observations) -> Observations:
        images = [frames[row.tobytes()] for row in observations.state.numpy()]
        return Observations(observations.state, torch.from_numpy(np.stack(images)))

    batch = host.draw()
    other, generator = copy.deepcopy(host), host._generator.get_state()
    logged = host.critic_update(batch)
    other._generator.set_state(generator)
    from_pixels = other.critic_update(replace(
        batch, observations=seen(batch.observations),
        next_observations=seen(batch.next_observations)))
    assert logged == pytest.approx(from_pixels, rel=1e-4)
    observations, chunks = made._imitation_batch(np.random.default_rng(0), 8)
    losses = [host.imitation_loss(each, chunks, torch.Generator().manual_seed(1))
              for each in (observations, seen(observations))]
    torch.testing.assert_close(*losses)
    gradients = [torch.autograd.grad(loss, host.imitation_parameters) for loss in losses]
    torch.testing.assert_close(*gradients, atol=1e-6, rtol=1e-4)


def test_a_frame_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    computed = []
    of_images = ImageEncoder._pooled

    def counted(self: ImageEncoder, images: torch.Tensor) -> torch.Tensor:
        computed.append(len(images))
        return of_images(self, images)

    monkeypatch.setattr(ImageEncoder, '_pooled', counted)
    made = session()
    assert sum(computed) == 4 * (STEPS + 1)
    learn(made, range(FIRST, LAST))
    assert made.rl_updates > 10 and made.il_updates > 5
    assert sum(computed) == (4 + LAST - FIRST) * (STEPS + 1)


def test_what_acts_gets_the_networks_and_reads_pixels() -> None:
    made = session()
    learn(made, range(FIRST, LAST))
    tensors, model, _ = made.export()
    acting, images = build_policy(model, tensors), episode(7).images
    for ours, theirs in zip(made.policy.actor.encoder.images.frozen_parts,
                            acting.actor.encoder.images.frozen_parts):
        for name, value in ours.state_dict().items():
            assert torch.equal(theirs.state_dict()[name], value)
    seen = Observations.from_arrays(episode(7).observations, images, 'cpu')
    decided = [policy.decide(seen, policy.begin(STEPS + 1), torch.Generator().manual_seed(0),
                             False).actions for policy in (made.policy, acting)]
    assert torch.equal(*decided)


def test_after_a_restart_the_same_is_made_of_the_pixels_in_the_files(tmp_path: Path) -> None:
    whole, first = session(), session(store=ExperienceStore(tmp_path, 1))
    learn(whole, range(FIRST, LAST + 2))
    learn(first, range(FIRST, LAST))
    snapshot = first.snapshot()
    tensors, entries = first._store.save(snapshot.numbers)
    assert {path.stat().st_size for path in tmp_path.glob('*.images')} == {
        (STEPS + 1) * int(np.prod(MODEL.image_shape))}
    store, damaged = ExperienceStore(tmp_path, 1), []
    second = session(seed=9, policy=clone(), store=store)
    assert second.load_state_dict(
        snapshot.tensors, snapshot.document, store.read(tensors, entries, damaged)) == []
    assert damaged == []
    learn(second, range(LAST, LAST + 2))
    assert_same(whole, second)


def test_what_other_networks_made_is_refused() -> None:
    made, other = session(), session(policy=clone(seed=4))
    tensors, _ = made.state_dict()
    _, document = other.state_dict()
    with pytest.raises(ValueError, match='the frozen image networks have the hash .* Move the'):
        session().load_state_dict(tensors, document)


def test_pixels_that_a_former_version_remembered_are_refused() -> None:
    made = session()
    tensors, document = made.state_dict()
    former = document.replace('"frozen_images"', '"unknown"')
    with pytest.raises(ValueError, match='of a former version, which remembered pixels'):
        session().load_state_dict(tensors, former)


def test_networks_that_learn_remember_pixels() -> None:
    learning = session(policy=clone(model=replace(MODEL, image_frozen=False)))
    learn(learning, range(FIRST, LAST))
    tensors, document = learning.state_dict()
    assert 'frozen_images' not in document
    assert np.array_equal(tensors['host.replay.images'][-STEPS - 1:], episode(LAST - 1).images)
    assert tensors['host.replay.images'].dtype == torch.uint8
