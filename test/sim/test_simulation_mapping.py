# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A wrong mapping is refused with the file, the key, and the allowed values."""

import copy

from hypothesis import given
from hypothesis import strategies as st
import pytest
import yaml

from inril_ros.robot.contract.contract import load_contract
from inril_ros.sim.environment import make_simulation
from inril_ros.sim.mapping import (
    built_in_mapping,
    contract_file,
    find_task,
    GymnasiumMapping,
    load_mapping,
    MappingError,
    MetaworldMapping,
    parse_mapping,
    time_limit_ticks,
)

METAWORLD = yaml.safe_load(built_in_mapping('metaworld').read_text())
PANDA = yaml.safe_load(built_in_mapping('gym_hil_panda').read_text())


def changed(data, path, value):
    """Return a copy of nested data with one entry set."""
    data = copy.deepcopy(data)
    *keys, last = path.split('.')
    entry = data
    for key in keys:
        entry = entry[key]
    entry[last] = value
    return data


@pytest.mark.parametrize('name', ['metaworld', 'gym_hil_panda'])
def test_shipped_mappings_fit_their_contracts(name):
    path = built_in_mapping(name)
    mapping = load_mapping(path)
    contract = load_contract(contract_file(path, mapping))
    assert contract.name == mapping.contract.removesuffix('.yaml')
    assert mapping.cameras.keys() == contract.cameras.keys()


def test_the_simulator_decides_what_a_mapping_holds():
    assert isinstance(parse_mapping(METAWORLD), MetaworldMapping)
    assert isinstance(parse_mapping(PANDA), GymnasiumMapping)


@pytest.mark.parametrize(('data', 'path', 'value', 'message'), [
    (METAWORLD, 'simulator', 'gazebo', r"simulator: is 'gazebo', allowed are \['gymnasium', 'met"),
    (METAWORLD, 'simulator', ['metaworld'], 'simulator: is .*, allowed are'),
    (METAWORLD, 'camera', {}, 'camera: unknown key'),
    (METAWORLD, 'tasks', {}, 'tasks: .*at least 1'),
    (METAWORLD, 'tasks.reach', {'quaternion_order': 'xyzw'}, 'tasks.reach.environment: missing'),
    (METAWORLD, 'tasks.reach.quaternion_order', 'zyxw', "tasks.reach.quaternion_order: .*'wxyz'"),
    (METAWORLD, 'tasks.reach.time_limit', 0, 'tasks.reach.time_limit: .*greater than 0'),
    (METAWORLD, 'tasks.Reach', {}, 'tasks.Reach.*: String should match pattern'),
    (PANDA, 'success', {}, 'success: give exactly one of info, reward, terminated_with_reward'),
    (PANDA, 'success', {'info': 'a', 'reward': 1}, 'success: give exactly one of info, reward'),
    (PANDA, 'failure', 'sometimes', "failure: .*'terminated' or 'never'"),
    (PANDA, 'observations.cube_position', {}, 'observations.cube_position: give exactly one of'),
    (PANDA, 'observations.cube_position.elements', [0], 'observations.cube_position.elements'),
    (PANDA, 'actions.hand_velocity.elements', [3, 3], 'actions.hand_velocity: .*end is excluded'),
    (PANDA, 'actions.hand_velocity.scale', 0, 'actions.hand_velocity: scale is 0'),
    (PANDA, 'cameras.front', {'render': 0, 'observation': 'a'}, 'cameras.front: give exactly one'),
])
def test_errors_name_the_key_and_the_allowed_values(data, path, value, message, tmp_path):
    file = tmp_path / 'wrong.yaml'
    file.write_text(yaml.safe_dump(changed(data, path, value)))
    with pytest.raises(MappingError, match=message) as caught:
        load_mapping(file)
    assert str(file) in str(caught.value)


def test_files_that_are_no_mapping_are_refused(tmp_path):
    with pytest.raises(MappingError, match='absent.yaml: cannot be read'):
        load_mapping(tmp_path / 'absent.yaml')
    file = tmp_path / 'broken.yaml'
    file.write_text('tasks: [')
    with pytest.raises(MappingError, match='broken.yaml: is not YAML'):
        load_mapping(file)
    file.write_text('- metaworld')
    with pytest.raises(MappingError, match='must be a mapping of keys, got list'):
        load_mapping(file)
    with pytest.raises(MappingError, match='no .*/simulations/absent.yaml'):
        built_in_mapping('absent')


_DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10)


@given(base=st.sampled_from([METAWORLD, PANDA]), key=st.sampled_from(
    ['simulator', 'contract', 'tasks', 'cameras', 'observations', 'actions', 'success', 'modules',
     'reward', 'failure', 'unknown']), value=_DATA)
def test_any_file_content_is_accepted_or_refused_with_a_message(base, key, value):
    try:
        mapping = parse_mapping(changed(base, key, value), source='file.yaml')
    except MappingError as error:
        assert str(error).startswith('file.yaml:')
    else:
        assert mapping.tasks


def test_for_an_unknown_task_the_names_are_listed(metaworld_file, contract):
    with pytest.raises(MappingError, match=r"no task 'pick'; tasks are \['assembly', 'bask"):
        make_simulation(metaworld_file, 'pick', contract)


def test_for_an_unknown_environment_the_names_are_listed(tmp_path, contract):
    file = tmp_path / 'metaworld.yaml'
    file.write_text(yaml.safe_dump(changed(METAWORLD, 'tasks.reach.environment', 'reach-v9')))
    with pytest.raises(MappingError, match="tasks.reach.environment: .*'reach-v9'.*'reach-v3'"):
        make_simulation(file, 'reach', contract)


def test_a_module_that_is_not_installed_is_named(tmp_path):
    file = tmp_path / 'panda.yaml'
    file.write_text(yaml.safe_dump(changed(PANDA, 'modules', ['no_such_simulator'])))
    panda = load_contract(contract_file(
        built_in_mapping('gym_hil_panda'), load_mapping(built_in_mapping('gym_hil_panda'))))
    with pytest.raises(MappingError, match="needs the Python module 'no_such_simulator'"):
        make_simulation(file, 'pick-cube', panda)


def test_a_task_may_have_its_own_time_limit(contract):
    mapping = parse_mapping(changed(METAWORLD, 'tasks.assembly.time_limit', 4.0))
    assert time_limit_ticks(find_task(mapping, 'assembly'), contract) == 320
    assert time_limit_ticks(find_task(mapping, 'reach'), contract) == contract.time_limit_ticks
