# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Clone, fine-tune, watch, save, load and act, in 20 lines."""

import gymnasium
import numpy as np

from inril_ros.learning import Actor, Demonstration, fit, FitConfig, load_policy, save_policy

env = gymnasium.make('MyTask-v0')
arrays = np.load('demonstrations.npz')
demonstrations = [Demonstration(
    arrays[f'observations_{n}'], arrays[f'actions_{n}'], success=bool(arrays['success'][n]))
    for n in range(len(arrays['success']))]

fitted = fit(env, demonstrations, FitConfig(env_steps=20_000))
print(*fitted.evaluations, sep='\n')
save_policy('my_policy', fitted.policy)

actor = Actor(load_policy('my_policy'), env)
observation, _ = env.reset(seed=0)
terminated = truncated = False
while not (terminated or truncated):
    observation, _, terminated, truncated, _ = env.step(actor(observation))
