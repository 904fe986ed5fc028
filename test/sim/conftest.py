# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Fixtures for tests of simulated robots: contracts, mappings and shared arms."""

from pathlib import Path

import pytest

from inril_ros.robot.contract.contract import load_contract
from inril_ros.sim.environment import make_simulation
from inril_ros.sim.opengl import prefer_headless_opengl

prefer_headless_opengl()  # before a test module imports MuJoCo
CONFIG = Path(__file__).parents[2] / 'config'


@pytest.fixture(scope='session')
def metaworld_file():
    return CONFIG / 'simulations' / 'metaworld.yaml'


@pytest.fixture(scope='session')
def contract():
    return load_contract(CONFIG / 'robots' / 'metaworld_sawyer.yaml')


@pytest.fixture(scope='session')
def arm(metaworld_file, contract):
    """Return a function that gives a task's arm, made once and reused by later tests."""
    arms = {}

    def get(task):
        if task not in arms:
            arms[task] = make_simulation(metaworld_file, task, contract)
        return arms[task]

    yield get
    for each in arms.values():
        each.close()


@pytest.fixture(scope='session')
def opengl():
    """Skip a test if images cannot be rendered."""
    import mujoco

    from inril_ros.sim.rendering import RenderingError, SceneRenderer

    model = mujoco.MjModel.from_xml_string(
        '<mujoco><worldbody><camera name="eye" pos="0 0 3"/><geom size="1"/></worldbody></mujoco>')
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    renderer = SceneRenderer(model, data)
    try:
        renderer.image('eye', 16, 16)
    except RenderingError as error:
        pytest.skip(str(error))
    finally:
        renderer.close()
