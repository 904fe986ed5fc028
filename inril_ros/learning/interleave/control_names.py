# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The controls by name; what they do is in `controls`."""
from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import cast, get_args, Literal

Control = Literal['none', 'parameter_noise', 'shuffled_advantages', 'shuffled_rewards',
                  'bc_regularised', 'kl_to_pretrained', 'frozen_actor', 'no_critic']

CONTROLS: Mapping[Control, str] = MappingProxyType({
    'none': 'The method itself; RL only is m: null.',
    'parameter_noise': 'Each IL step is replaced by a Gaussian step of the same length '
                       '(gaussian_step): is it imitation that helps, or any movement?',
    'shuffled_advantages': 'On-policy hosts: the advantages of each iteration are permuted: '
                           'RL steps of the usual size without a signal.',
    'shuffled_rewards': 'Off-policy hosts: each episode gets the rewards and the outcome of '
                        'another one (shuffle_rewards): a critic without a signal.',
    'bc_regularised': 'No IL steps; each RL gradient gets weight * IL gradient added '
                      '(regularised): imitation mixed in instead of interleaved.',
    'kl_to_pretrained': 'No IL steps; the host adds weight * KL(policy || pretrained policy) on '
                        'visited states to its actor loss: an anchor without demonstrations.',
    'frozen_actor': 'Neither RL nor IL moves the actor; the critic learns and, where the host '
                    'chooses among candidates, chooses: what does the critic do alone?',
    'no_critic': 'No RL updates; IL events come at the same times, and nothing chooses '
                 'among candidates: what does imitation of the same sources do alone?',
})


def checked_control(name: str) -> Control:
    """Return the name of a control, or raise a ValueError that lists them."""
    if name not in get_args(Control):
        raise ValueError(f'control {name!r} is unknown; allowed are {get_args(Control)}')
    return cast(Control, name)
