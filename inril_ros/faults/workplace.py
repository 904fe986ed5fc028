# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the nodes need to start: contract, model, demonstrations, settings, disks.

The arm is the mock arm at its own rate. The network is small enough for a learner beside it on any
machine, and large enough to travel in several pieces.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
import subprocess
from uuid import uuid4

import numpy as np
import torch
import yaml

from inril_ros.data.bags.bags import EpisodeBag
from inril_ros.data.importing.episode_messages import EpisodeMessages
from inril_ros.data.raw.messages import message_class, serialised
from inril_ros.graph.description import finetuning_graph, GraphDescription, GraphOptions
from inril_ros.learning.policies.artifact import save_policy
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.nodes.clients.weights_relay import REMAPPINGS
from inril_ros.robot.contract.contract import Contract, ContractError, load_contract
from inril_ros.robot.episode import EpisodeOutcome
from inril_ros.robot.messages.codecs import encode_observations
from inril_ros.robot.yaml_file import load_yaml

_EFFORT = 11.0  # a joint of the mock arm that is free to move needs it for moments only
_CHUNK = 16  # steps
_DEMONSTRATIONS, _TICKS = 3, 60
_DISK_BYTES = 200_000_000
_SETTINGS = {'imitation_batch': 8, 'm': 4, 'host': {
    'name': 'idql', 'warmup_steps': 60, 'warmup_updates': 8, 'updates_per_step': 0.1,
    'batch': 8, 'candidates': 2, 'target_candidates': 2}}
#: Priority above other processes, so that a busy machine doesn't look like a fault's effect.
_PRIORITY = 50
_MAX_AGE, _MAX_LEAD = 1.0, 1.0  # [s], [rad]
_STATES = 2.0  # messages of the arm per tick
_PARAMETERS = {
    'actuation_node': {'enable_on_activate': False},  # a person consents, as on a real arm
    'learner_node': {'publish_every': 5, 'checkpoint_seconds': 5.0, 'burst': 0.01},
    'policy_node': {'probe_limit': 0.0},  # actions change a lot while it learns from scratch
    'recorder_node': {'resend': 0.5}}


@dataclass(frozen=True)
class Workplace:
    """The folders of a matrix.

    Attributes:
        folder: Scratch folder with the contract, model, demonstrations and settings.
        run_id: UUID of the run.
        contract_path: Path of the contract.
        disks: Whether journal and learner have file systems of their own, which may be filled up.
        name: Name of the graph; each has a journal and a learner of its own.
    """

    folder: Path
    run_id: str
    contract_path: Path
    disks: bool = False
    name: str = 'graph'

    @property
    def contract(self) -> Contract:
        """The robot's contract."""
        return load_contract(self.contract_path)

    @property
    def recorder_disk(self) -> Path:
        """Folder of the recorder."""
        return self.folder / self.name / 'recorder'

    @property
    def learner_disk(self) -> Path:
        """Folder of the learner."""
        return self.folder / self.name / 'learner'

    @property
    def journal(self) -> Path:
        """Folder of the rollout journal."""
        return self.recorder_disk / 'journal'

    @property
    def checkpoints(self) -> Path:
        """Folder of the learner's checkpoints."""
        return self.learner_disk / 'checkpoints'

    @contextmanager
    def for_graph(self, name: str) -> 'Iterator[Workplace]':
        """Yield the workplace of a graph, with disks of its own where that is allowed."""
        place = replace(self, name=name)
        mounted: list[Path] = []
        try:
            for disk in (place.recorder_disk, place.learner_disk):
                disk.mkdir(parents=True)
                done = subprocess.run(
                    ['mount', '-t', 'tmpfs', '-o', f'size={_DISK_BYTES}', 'none', str(disk)],
                    capture_output=True, check=False)
                if done.returncode == 0:
                    mounted.append(disk)
            yield replace(place, disks=len(mounted) == 2)
        finally:
            for disk in mounted:
                subprocess.run(['umount', '--lazy', str(disk)], check=False)

    def graph(self, relayed: bool, simulated_time: bool, priority: bool,
              **more: dict[str, object]) -> GraphDescription:
        """Describe the whole graph of fine-tuning on the mock arm.

        Args:
            relayed: Whether the policy's weights come through a relay.
            simulated_time: Whether the nodes follow ``/clock``.
            priority: Whether the control thread may have a real-time priority.
            more: Further parameters by node.
        """
        graph = finetuning_graph(GraphOptions(
            contract=str(self.contract_path), run_id=self.run_id, mock_arm=True,
            use_sim_time=simulated_time, respawn=True, device='cpu',
            demonstrations=str(self.folder / 'demonstrations'), journal=str(self.journal),
            finetune_config=str(self.folder / 'settings.yaml'),
            pretrained=str(self.folder / 'model'), run_dir=str(self.learner_disk)))
        nodes = []
        for node in graph.nodes:
            parameters = {**node.parameters, **_PARAMETERS.get(node.name, {}),
                          **more.get(node.name, {})}
            if node.name == 'mock_arm_node':
                parameters['rate'] = _STATES * self.contract.control_rate
            if node.name == 'actuation_node' and priority:
                parameters['realtime_priority'] = _PRIORITY
            nodes.append(replace(
                node, parameters=parameters,
                remappings=REMAPPINGS if relayed and node.name == 'policy_node' else {}))
        return replace(graph, nodes=tuple(nodes))


def prepare(folder: Path, shipped: Path, rate: float) -> Workplace:
    """Write everything that the nodes need to start.

    Args:
        folder: An empty folder.
        shipped: Path of the mock arm's contract.
        rate: [Hz] Rate of the commands.
    """
    data = load_yaml(shipped, ContractError)[0]
    data.update(control_rate=rate, cameras={})
    data['kinematics']['urdf'] = str((shipped.parent / data['kinematics']['urdf']).resolve())
    data['episode']['time_limit'] = 600.0  # the matrix ends its episodes itself
    for entry in data['observations'].values():  # a busy machine is no fault of the arm
        entry['max_age'] = _MAX_AGE
        if 'frozen_after' in entry:
            entry['frozen_after'] = _MAX_AGE
    for entry in data['actions'].values():
        if 'max_lead' in entry:
            entry['max_lead'] = _MAX_LEAD
    data['observations']['joint_efforts'] = {
        **data['observations']['joint_positions'], 'quantity': 'effort'}
    data['load_limits'] = {'stall': {
        'observation': 'joint_efforts', 'limit': [_EFFORT], 'hold_after': 0.5}}
    data['safety'] = {'latch_after': 1.0, 'max_policy_age': 1.0}
    path = folder / 'contract.yaml'
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding='utf-8')
    place = Workplace(folder, str(uuid4()), path)
    contract = place.contract
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        save_policy(folder / 'model', BestOfN(ModelConfig(
            observation_size=contract.observation_size, action_size=contract.action_size,
            chunk_length=_CHUNK, denoising_steps=4, sampling_steps=2, actor_width=192,
            actor_blocks=6, critic_width=8, critic_layers=1)))
    (folder / 'settings.yaml').write_text(yaml.safe_dump(_SETTINGS), encoding='utf-8')
    for index in range(_DEMONSTRATIONS):
        _demonstrate(folder / 'demonstrations', contract, index)
    return place


def _demonstrate(folder: Path, contract: Contract, index: int) -> None:
    """Write the bag of a demonstration: each joint swings around the middle of its range."""
    bag = EpisodeBag(folder, f'{index:04d}')
    messages = EpisodeMessages(bag, contract, str(uuid4()), EpisodeOutcome.SUCCESS, 'faults')
    start, period = (1 + index) * 1_000_000_000_000, contract.period_ns
    middle = (contract.action_maximum + contract.action_minimum) / 2
    swing = (contract.action_maximum - contract.action_minimum) / 8
    delay = round(1e9 * contract.observation_delay)
    messages.start(start)
    for tick in range(_TICKS + 1):
        phase = 0.05 * (tick + 7 * index)
        action = middle + swing * np.sin(phase)
        _observe(messages, action, swing * 0.05 * np.cos(phase) / contract.period,
                 start + tick * period - delay)
        if tick < _TICKS:
            messages.execute(start + tick * period, action.astype(np.float32))
    messages.end(start + _TICKS * period)
    bag.close(messages.information('faults'), keep=True)


def _observe(messages: EpisodeMessages, position: np.ndarray, velocity: np.ndarray,
             stamp: int) -> None:
    """Write the arm's observations at ``stamp`` [ns]."""
    contract = messages.contract
    element = {}  # of the action vector, by topic and joint
    for name, entry in contract.actions.items():
        for index, (joint, place) in enumerate(zip(entry.joints, contract.places(name))):
            element[place.topic, joint] = contract.action_slice(name).start + index
    values = {}
    for name, entry in contract.observations.items():
        source = {'velocity': velocity, 'effort': 0.0 * position}.get(entry.quantity, position)
        values[name] = np.array([source[element[entry.topic, joint]] for joint in entry.joints])
    for topic, message in encode_observations(contract, values, stamp, message_class):
        messages.bag.write(topic, message.__msgtype__, stamp, serialised(message))
