# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which nodes a stage runs, and what each of them is told: plain data.

Launch files, the ``inril`` command and the tests all start their processes from the descriptions
made here, so that a graph is written down once. Nothing here starts a process or knows ROS; the
supervisor and the launch files do.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
import json
import re

import yaml

Parameter = bool | int | float | str

_NAMESPACE = re.compile(r'^(/?[A-Za-z_][A-Za-z0-9_]*)(/[A-Za-z_][A-Za-z0-9_]*)*$')


@dataclass(frozen=True)
class NodeDescription:
    """One process of a graph.

    Attributes:
        executable: Name in ``lib/inril_ros`` and of the module in ``inril_ros.nodes``.
        name: Name of the ROS node.
        namespace: ROS namespace; empty: the root.
        parameters: ROS parameters by name.
        remappings: New name of a topic or service by its old one.
        respawn: Bring it back when it crashes.
        vital: Nothing goes on without it: the graph ends when it ends.
        output: As in launch: ``log`` (a file only), ``screen`` or ``both``.
        niceness: Added to the scheduling niceness: higher gives way to the others.
    """

    executable: str
    name: str
    namespace: str = ''
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    remappings: Mapping[str, str] = field(default_factory=dict)
    respawn: bool = False
    vital: bool = False
    output: str = 'both'
    niceness: int = 0


@dataclass(frozen=True)
class GraphDescription:
    """The processes of one stage, in the order in which they are started.

    Raises:
        ValueError: Two nodes share a name.
    """

    name: str
    nodes: tuple[NodeDescription, ...]
    log_level: str = 'info'

    def __post_init__(self) -> None:
        names = [node.name for node in self.nodes]
        if len(set(names)) != len(names):
            raise ValueError(f'graph {self.name!r} has two nodes of one name: {sorted(names)}')

    def node(self, name: str) -> NodeDescription:
        """Return the node of that name.

        Raises:
            KeyError: There is none; the message lists those there are.
        """
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(f'graph {self.name!r} has no node {name!r}, only '
                       f'{[node.name for node in self.nodes]}')


@dataclass(frozen=True)
class GraphOptions:
    """What a stage has to be told. Paths are strings, as ROS parameters are; empty: not given.

    Attributes:
        contract: The robot contract (YAML).
        run_id: UUID of the run.
        simulation: Simulation mapping (YAML); empty: a real robot, no simulation node.
        mock_arm: An arm that isn't there answers to the contract in place of a real one.
        gazebo: Gazebo simulates the world of the simulation mapping, in place of sim_node.
        task: Name of the task in the simulation mapping.
        lockstep: The simulation waits for each action and runs as fast as the graph goes.
        use_sim_time: Nodes follow ``/clock``; lockstep and Gazebo need it. The built-in arm sends
            a clock in lockstep only.
        autostart: Nodes configure and activate themselves. Off on a robot where a person does it.
        respawn: Policy, recorder and learner come back after a crash; a policy that does knows no
            episode and waits for the next one. The actuation node never does: it would command the
            arm again with nobody watching.
        dry_run: Everything is computed and told, and the robot is sent nothing.
        learner: The learner runs here; if not, on another machine ('learn').
        namespace: Namespace of the robot.
        log_level: ``debug``, ``info``, ``warn`` or ``error``.
        camera: The simulation renders the contract's cameras.
        teleop_device: What drives demonstrations: ``scripted`` in simulation; ``external``:
            whoever publishes the contract's teleop topics, and no node of ours.
        operator_noise: Standard deviation of the scripted operator's errors, normalised action.
        model: Folder of the model the policy node starts with; finetuning may take it from
            ``pretrained``.
        demonstrations: Folder of demonstration bags: written when recording, read by the learner.
        journal: Folder of the rollout journal.
        finetune_config: Settings of the fine-tuning session (YAML).
        pretrained: Folder of the cloned model.
        run_dir: Folder the learner writes to.
        seed: Of the learner.
        device: Of the learner: ``auto``, ``cpu`` or ``cuda``.
        synchronous: The learner learns between episodes only: repeatable.
        exploration_scale: Standard deviation of the noise on the policy's actions while learning,
            normalised action; 0 for a host that explores by itself.

    Raises:
        ValueError: Options that exclude each other, or a name ROS would not take.
    """

    contract: str
    run_id: str
    simulation: str = ''
    mock_arm: bool = False
    gazebo: bool = False
    task: str = ''
    lockstep: bool = False
    use_sim_time: bool = False
    autostart: bool = True
    respawn: bool = False
    dry_run: bool = False
    learner: bool = True
    namespace: str = ''
    log_level: str = 'info'
    camera: bool = False
    teleop_device: str = 'scripted'
    operator_noise: float = 0.3
    model: str = ''
    demonstrations: str = ''
    journal: str = ''
    finetune_config: str = ''
    pretrained: str = ''
    run_dir: str = ''
    seed: int = 0
    device: str = 'auto'
    synchronous: bool = False
    exploration_scale: float = 0.1

    def __post_init__(self) -> None:
        if not self.contract:
            raise ValueError('contract is empty: give the path of a robot contract')
        if self.lockstep and not self.simulation:
            raise ValueError('lockstep is for a simulation: a real robot does not wait')
        if self.mock_arm and self.simulation:
            raise ValueError('mock_arm and simulation exclude each other: either is the robot')
        if self.gazebo and (not self.simulation or self.lockstep or not self.use_sim_time):
            raise ValueError('gazebo needs a simulation (its world and task) and use_sim_time, '
                             'and knows no lockstep: it has a clock of its own')
        if self.lockstep and not self.use_sim_time:
            raise ValueError('lockstep needs use_sim_time: the clock stands while nodes think')
        if self.namespace and not _NAMESPACE.match(self.namespace):
            raise ValueError(f'namespace {self.namespace!r} is no ROS name: letters, digits and _ '
                             'between slashes, not starting with a digit')
        if self.log_level not in ('debug', 'info', 'warn', 'error'):
            raise ValueError(f'log_level is {self.log_level!r}: debug, info, warn or error')


def simulation_graph(options: GraphOptions) -> GraphDescription:
    """The robot's side alone: the simulated arm, for nodes started elsewhere."""
    if not options.mock_arm:
        _require(options, 'simulation_graph', 'simulation')
    return _graph('simulate', options, _simulation(options))


def recording_graph(options: GraphOptions) -> GraphDescription:
    """Demonstrations: an operator drives, the recorder writes bags."""
    _require(options, 'recording_graph', 'demonstrations')
    return _graph('record', options, _simulation(options), _actuation(options),
                  _recorder(options, demonstrations=options.demonstrations, journal=''),
                  None if options.teleop_device == 'external' else _teleop(options))


def evaluation_graph(options: GraphOptions) -> GraphDescription:
    """Evaluation: the policy drives; nothing is recorded or learned."""
    _require(options, 'evaluation_graph', 'model')
    return _graph('evaluate', options, _simulation(options), _actuation(options),
                  _policy(options, options.model))


def finetuning_graph(options: GraphOptions) -> GraphDescription:
    """Fine-tuning: the policy drives, the recorder journals, the learner improves the policy."""
    needed = ['journal', 'pretrained']
    if options.learner:
        needed = ['demonstrations', 'journal', 'finetune_config', 'pretrained', 'run_dir']
    _require(options, 'finetuning_graph', *needed)
    return _graph('finetune', options, _simulation(options), _actuation(options),
                  _policy(options, options.model or options.pretrained, options.demonstrations),
                  _recorder(options, demonstrations='', journal=options.journal),
                  _learner(options) if options.learner else None)


def learning_graph(options: GraphOptions) -> GraphDescription:
    """The learner alone, for a machine beside the robot's."""
    _require(options, 'learning_graph', 'demonstrations', 'finetune_config', 'pretrained',
             'run_dir')
    return _graph('learn', options, _learner(options))


STAGES: dict[str, Callable[[GraphOptions], GraphDescription]] = {
    'simulate': simulation_graph,
    'record': recording_graph,
    'evaluate': evaluation_graph,
    'finetune': finetuning_graph,
    'learn': learning_graph,
}


def ros_arguments(node: NodeDescription, log_level: str = 'info') -> list[str]:
    """Return the command line arguments that tell a process what the description says.

    Values are written as JSON, which YAML includes: a string stays a string even when it reads
    ``007`` or ``true``, and a whole float stays a float.
    """
    arguments = ['--ros-args', '-r', f'__node:={node.name}']
    if node.namespace:
        arguments += ['-r', f'__ns:={_absolute(node.namespace)}']
    for old, new in node.remappings.items():
        arguments += ['-r', f'{old}:={new}']
    for name, value in node.parameters.items():
        arguments += ['-p', f'{name}:={json.dumps(value, ensure_ascii=False, allow_nan=False)}']
    # Without SROS2 it has no effect; with it, each process has rights of its own.
    return [*arguments, '--enclave', f'/inril/{node.name}', '--log-level', log_level]


def parameter_yaml(node: NodeDescription) -> str:
    """Return the text of a ROS parameter file for the node, whatever its name and namespace."""
    return yaml.safe_dump({'/**': {'ros__parameters': dict(node.parameters)}},
                          sort_keys=False, allow_unicode=True)


def _absolute(namespace: str) -> str:
    return '/' + namespace.strip('/')


def _require(options: GraphOptions, graph: str, *names: str) -> None:
    missing = [name for name in names if not getattr(options, name)]
    if missing:
        raise ValueError(f'{graph} needs {", ".join(missing)} in its options')


def _graph(name: str, options: GraphOptions, *nodes: NodeDescription | None) -> GraphDescription:
    return GraphDescription(
        name, tuple(node for node in nodes if node is not None), options.log_level)


def _node(options: GraphOptions, executable: str, *, niceness: int = 0, respawn: bool = False,
          vital: bool = False, **parameters: Parameter) -> NodeDescription:
    shared = {'contract': options.contract, 'run_id': options.run_id,
              'lockstep': options.lockstep, 'autostart': options.autostart,
              'use_sim_time': options.use_sim_time}
    return NodeDescription(executable, name=executable, namespace=options.namespace,
                           parameters={**shared, **parameters}, respawn=respawn,
                           vital=vital, niceness=niceness)


def _simulation(options: GraphOptions) -> NodeDescription | None:
    if options.mock_arm:
        return _node(options, 'mock_arm_node')
    if not options.simulation:
        return None
    if options.gazebo:
        return _node(options, 'gazebo_node', simulation=options.simulation, task=options.task)
    return _node(options, 'sim_node', simulation=options.simulation, task=options.task,
                 camera=options.camera)


def _actuation(options: GraphOptions) -> NodeDescription:
    # Nobody is near an arm that isn't there; a real one moves when a person says so.
    simulated = bool(options.simulation) or options.mock_arm
    return _node(options, 'actuation_node', vital=True, enable_on_activate=simulated,
                 watch_cameras=options.camera or not simulated, dry_run=options.dry_run)


def _teleop(options: GraphOptions) -> NodeDescription:
    return _node(options, 'teleop_node', device=options.teleop_device,
                 simulation=options.simulation, task=options.task,
                 noise=float(options.operator_noise))


def _policy(options: GraphOptions, model: str, demonstrations: str = '') -> NodeDescription:
    # In simulation a bad stretch costs nothing, and studies are to see it as it is.
    return _node(options, 'policy_node', respawn=options.respawn, model=model,
                 demonstrations=demonstrations,
                 exploration_scale=float(options.exploration_scale),
                 automatic_rollback=not options.simulation)


def _learner(options: GraphOptions) -> NodeDescription:
    return _node(
        options, 'learner_node', niceness=5, respawn=options.respawn,
        config=options.finetune_config, pretrained=options.pretrained,
        demonstrations=options.demonstrations, run_dir=options.run_dir, seed=options.seed,
        device=options.device, synchronous=options.synchronous)


def _recorder(options: GraphOptions, demonstrations: str, journal: str) -> NodeDescription:
    return _node(options, 'recorder_node', respawn=options.respawn,
                 demonstrations=demonstrations, journal=journal)
