# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The tables that compare the settings of each host with its ancestor's say what the code says."""

from pathlib import Path
import re

import pytest

from inril_ros.learning.hosts.settings.names import CONFIGS

PAGE = (Path(__file__).parents[2] / 'docs' / 'explanation' / 'hosts.md').read_text()
SECTIONS = {
    'IDQL, the default': 'idql', 'EXPO': 'expo', 'DPPO': 'dppo', 'Residual PPO': 'residual_ppo',
    'Actor-critic, and RLPD': 'actor_critic', 'Residual SAC': 'residual_sac', 'DSRL': 'dsrl'}


@pytest.mark.parametrize(('section', 'host'), SECTIONS.items())
def test_the_defaults_in_a_table_are_those_of_the_code(section, host):
    text = PAGE.split(f'\n## {section}\n')[1].split('\n## ')[0]
    rows = re.findall(r'^\| `(\w+)` \|[^|]*\| ([^|]+) \|', text, re.MULTILINE)
    assert len(rows) >= 7
    config = CONFIGS[host]()
    assert {name: shown for name, shown in rows} == {
        name: str(getattr(config, name)) for name, _ in rows}


def test_each_host_is_named_on_the_page_or_in_a_file_that_it_names():
    named = set(SECTIONS.values()) | {'rlpd', 'verifier', 'noise_search'}
    assert named == set(CONFIGS)
