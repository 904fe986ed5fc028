# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Images to features: shapes, layout, shifts, freezing, and independent rows."""
from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
import torch

from inril_ros.learning.observations import Observations
from inril_ros.learning.policies.artifact import load_policy, save_policy
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.encoder import ObservationEncoder
from inril_ros.learning.policies.image_encoder import (
    ImageEncoder,
    random_shift,
    SpatialEmbeddings,
    SpatialSoftmax,
    Trunk,
)
from inril_ros.learning.policies.image_settings import IMAGE_POOLINGS
from inril_ros.learning.policies.model_config import ModelConfig

SMALL = ModelConfig(3, 2, state_noise=0.0, cameras=2, image_height=24, image_width=20,
                    image_channels=8, image_stages=2, image_blocks=1, image_features=5,
                    actor_width=16, critic_width=16, denoising_steps=4, sampling_steps=2)


@pytest.fixture(autouse=True)
def same_weights() -> None:
    torch.manual_seed(0)


def image_batch(rows: int, config: ModelConfig = SMALL, seed: int = 0) -> torch.Tensor:
    random = np.random.default_rng(seed)
    return torch.from_numpy(
        random.integers(0, 256, (rows, *config.image_shape), dtype=np.uint8))


def seen(rows: int, config: ModelConfig = SMALL) -> Observations:
    state = torch.randn(rows, config.observation_size, generator=torch.Generator().manual_seed(1))
    return Observations(state, image_batch(rows, config))


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 3), st.integers(33, 70), st.integers(33, 70), st.integers(1, 4),
       st.booleans(), st.sampled_from(IMAGE_POOLINGS))
def test_any_size_of_image_gives_the_same_number_of_bounded_features(
        cameras: int, height: int, width: int, stages: int, shared: bool, pooling: str) -> None:
    config = replace(SMALL, cameras=cameras, image_height=height, image_width=width,
                     image_stages=stages, image_shared=shared, image_pooling=pooling)
    encoder = ImageEncoder(config)
    features = encoder(image_batch(2, config))
    assert features.shape == (2, encoder.size) == (2, 5 * cameras)
    assert features.abs().max() <= 1.0
    assert features[0].ne(features[1]).any()


def test_the_full_size_is_that_of_resnet_18() -> None:
    full = Trunk(replace(SMALL, image_height=224, image_width=224, image_channels=64,
                         image_stages=4, image_blocks=2))
    # 11 689 512 weights, without the 513 000 of the last layer (the ImageNet classes).
    assert sum(weight.numel() for weight in full.parameters()) == 11_176_512


@pytest.mark.parametrize('shared', [True, False])
def test_features_are_the_normalised_state_then_each_cameras_own(shared: bool) -> None:
    encoder = ObservationEncoder(replace(SMALL, image_shared=shared))
    encoder.normaliser.fit(np.random.default_rng(3).normal(2.0, 3.0, (50, 3)))
    assert encoder.size == 3 + 2 * 5
    observations = seen(4)
    features = encoder(observations)
    torch.testing.assert_close(features[:, :3], encoder.normaliser(observations.state))
    changed = observations.images.clone()
    changed[:, 1] = 255 - changed[:, 1]
    other = encoder(Observations(observations.state, changed))
    torch.testing.assert_close(other[:, :8], features[:, :8])
    assert (other[:, 8:] != features[:, 8:]).any(dim=1).all()


@pytest.mark.parametrize('shared', [True, False])
def test_cameras_share_a_trunk_or_have_their_own(shared: bool) -> None:
    encoder = ImageEncoder(replace(SMALL, image_shared=shared))
    encoder(image_batch(2))[:, :5].sum().backward()  # of the first camera
    touched = [bool(trunk.stem[0].weight.grad.any()) for trunk in encoder.trunks]
    assert touched == ([True] if shared else [True, False])


def test_rows_do_not_influence_each_other_in_any_number() -> None:
    encoder = ImageEncoder(SMALL)
    images = image_batch(300)  # more than fit in one pass
    with torch.no_grad():
        together = encoder(images)
        alone = torch.cat([encoder(images[row:row + 1]) for row in (0, 129, 299)])
    torch.testing.assert_close(together[[0, 129, 299]], alone)
    torch.testing.assert_close(encoder(images), together)


def test_without_cameras_only_the_state_is_read_and_nothing_is_drawn() -> None:
    encoder = ObservationEncoder(replace(SMALL, cameras=0))
    generator = torch.Generator().manual_seed(5)
    before = generator.get_state()
    features = encoder(seen(4), generator)
    assert encoder.size == 3
    assert torch.equal(features, seen(4).state)
    assert torch.equal(generator.get_state(), before)
    assert not list(encoder.parameters())


def test_images_that_do_not_fit_the_model_are_refused() -> None:
    encoder = ObservationEncoder(SMALL)
    state = torch.zeros(2, 3)
    with pytest.raises(ValueError, match='2 cameras'):
        encoder(Observations(state))
    with pytest.raises(ValueError, match=r'the model reads \(B, 2, 24, 20, 3\)'):
        encoder(Observations(state, image_batch(2).transpose(2, 3)))
    with pytest.raises(ValueError, match='torch.float32'):
        encoder(Observations(state, image_batch(2).float()))


def test_a_shift_is_a_random_crop_of_the_image_padded_by_its_edge() -> None:
    images = image_batch(400)[:, 0]
    shifted = random_shift(images, 2, torch.Generator().manual_seed(0))
    padded = np.pad(images.numpy(), ((0, 0), (2, 2), (2, 2), (0, 0)), mode='edge')
    found = []
    for image, crop in zip(padded, shifted.numpy()):
        found.append([(down, right) for down in range(5) for right in range(5)
                      if np.array_equal(image[down:down + 24, right:right + 20], crop)])
    assert all(len(places) == 1 for places in found)
    assert len({places[0] for places in found}) == 25  # each of the shifts occurs


def test_images_are_shifted_only_with_a_generator_and_repeatably() -> None:
    encoder = ObservationEncoder(SMALL)
    observations = seen(6)
    still = encoder(observations)
    assert torch.equal(encoder(observations), still)
    first, again, other = (encoder(observations, torch.Generator().manual_seed(seed))
                           for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.allclose(first, still)
    assert not torch.allclose(first, other)
    unshifted = ObservationEncoder(replace(SMALL, image_shift=0))
    unshifted.adopt(encoder)
    assert torch.equal(unshifted(observations, torch.Generator()), still)


def test_spatial_softmax_gives_the_position_of_activity() -> None:
    pooling = SpatialSoftmax(2, 5, 9)
    maps = torch.zeros(1, 2, 5, 9)
    maps[0, 0, 0, 8] = 100.0  # top right
    maps[0, 1, 3, 4] = 100.0  # half a map below the centre
    torch.testing.assert_close(pooling(maps), torch.tensor([[1.0, -1.0, 0.0, 0.5]]))
    torch.testing.assert_close(pooling(torch.zeros(1, 2, 5, 9)), torch.zeros(1, 4))


def test_spatial_embeddings_weigh_each_place_of_each_channel() -> None:
    pooling = SpatialEmbeddings(2, 3, 4)
    maps = torch.zeros(1, 2, 3, 4)
    maps[0, 1, 2, 1] = 2.0
    expected = torch.zeros(1, 16)
    expected[0, 8:] = 2.0 * pooling.weight[1, :, 2 * 4 + 1]
    torch.testing.assert_close(pooling(maps), expected)


def test_a_frozen_trunk_is_unchanged_and_the_projection_learns() -> None:
    free, frozen = ObservationEncoder(SMALL), ObservationEncoder(replace(SMALL, image_frozen=True))
    frozen.adopt(free)
    kept = {f'images.{name}' for name, _ in frozen.images.named_parameters()
            if name.startswith('trunks') or name.endswith('log_sharpness')}
    assert all(weight.requires_grad for weight in free.parameters())
    assert {name for name, weight in frozen.named_parameters()
            if not weight.requires_grad} == kept
    observations = seen(4)
    torch.testing.assert_close(frozen(observations), free(observations))
    before = {name: weight.clone() for name, weight in frozen.named_parameters()}
    optimiser = torch.optim.AdamW(frozen.parameters(), lr=0.1)
    frozen(observations, torch.Generator()).square().sum().backward()
    optimiser.step()
    moved = {name for name, weight in frozen.named_parameters()
             if not torch.equal(weight, before[name])}
    assert moved == before.keys() - kept
    frozen.freeze(False)
    frozen(observations).square().sum().backward()
    assert all(weight.grad is not None for weight in frozen.parameters())


@pytest.mark.parametrize('shared', [True, False])
@pytest.mark.parametrize('pooling', IMAGE_POOLINGS)
def test_what_frozen_networks_made_of_images_stands_for_the_images(
        pooling: str, shared: bool) -> None:
    config = replace(SMALL, image_pooling=pooling, image_shared=shared, image_frozen=True)
    encoder, images = ImageEncoder(config), image_batch(5)
    encoder.freeze(True)
    pooled = encoder.pooled(images)
    assert pooled.dtype == torch.float32
    assert pooled.shape == (5, *encoder.pooled_shape)
    assert torch.equal(encoder(pooled), encoder(images))
    assert not torch.equal(pooled[0], pooled[1])
    # Of a generator nothing is drawn: there is nothing to shift.
    generator = torch.Generator().manual_seed(4)
    before = generator.get_state()
    encoder(pooled, generator)
    assert torch.equal(generator.get_state(), before)
    encoder.freeze(False)
    with pytest.raises(ValueError, match='float32, the model reads'):
        encoder(pooled)


def test_a_critic_can_start_with_the_actor_s_encoder_and_then_differs() -> None:
    policy = BestOfN(SMALL)
    observations = seen(3)
    actor, critic = policy.actor.encoder, policy.critic.encoder
    assert not torch.allclose(actor(observations), critic(observations))
    critic.adopt(actor)
    torch.testing.assert_close(actor(observations), critic(observations))
    critic(observations).sum().backward()
    assert all(weight.grad is None for weight in actor.parameters())


def test_a_policy_with_cameras_is_restored_from_its_folder(tmp_path: object) -> None:
    policy = BestOfN(replace(SMALL, image_frozen=True))
    save_policy(tmp_path / 'model', policy)
    loaded = load_policy(tmp_path / 'model')
    assert loaded.config == policy.config
    with pytest.raises(ValueError, match='images'):
        loaded.decide(Observations(torch.zeros(2, 3)), loaded.begin(2), torch.Generator(), False)
    decisions = [one.decide(seen(2), one.begin(2), torch.Generator().manual_seed(4), True)
                 for one in (policy, loaded)]
    assert torch.equal(decisions[0].actions, decisions[1].actions)
    assert decisions[0].actions.shape == (2, 4, 2)


@pytest.mark.parametrize(('name', 'value'), [
    ('cameras', -1), ('cameras', 9), ('image_height', 4), ('image_width', 10_000),
    ('image_channels', 12), ('image_channels', 4096), ('image_stages', 5), ('image_blocks', 0),
    ('image_features', 0), ('image_shift', -1), ('image_pooling', 'mean')])
def test_a_configuration_out_of_bounds_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=f'ModelConfig.{name}'):
        replace(SMALL, **{name: value})
    with pytest.raises(ValueError, match=r'stages leave a map of \(2, 1\)'):
        replace(SMALL, image_height=17, image_width=16, image_stages=3)
    assert ModelConfig.from_json(SMALL.to_json()) == SMALL
    assert SMALL.image_shape == (2, 24, 20, 3)
    assert replace(SMALL, cameras=0).image_shape is None
