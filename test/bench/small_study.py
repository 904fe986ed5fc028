# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A study that takes seconds."""

# One task, one arm, one seed; episodes of 20 ticks, in which reach can't succeed.
SMALL = {
    'name': 'small', 'env_steps': 160, 'seeds': [0], 'lanes': 2,
    'evaluation': {'every': 80, 'episodes': 3},
    'pretrain': {'steps': 5, 'batch': 16},
    'model': {'actor_width': 16, 'critic_width': 16},
    'session': {'host': {'name': 'idql', 'warmup_steps': 40, 'warmup_updates': 5},
                'imitation_batch': 16},
    'tasks': [{'id': 'reach', 'time_limit': 0.25,
               'demonstrations': {'number': 2, 'keep_failures': True}}],
    'arms': [{'name': 'in-ril', 'session': {'m': 4}}],
}
