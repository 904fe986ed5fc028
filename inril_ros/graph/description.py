# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The nodes of each stage and their parameters, as plain data.

Launch files, the ``inril`` command and the tests start their processes from these descriptions, so
that a graph is defined once. This module starts no process and needs no ROS.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
import json
from pathlib import Path

from inril_ros.graph.options import GraphOptions, JUDGED_STAGES
from inril_ros.graph.parameter_file import find_parameter_file, parameters_of_file

Parameter = bool | int | float | str | list[str]


@dataclass(frozen=True)
class NodeDescription:
    """One process of a graph.

    Attributes:
        executable: Name in ``lib/inril_ros``, and of the module in ``inril_ros.nodes``.
        name: Name of the ROS node.
        namespace: ROS namespace; empty: the root.
        parameters: ROS parameters by name.
        remappings: New names of topics and services by their old ones.
        respawn: Restart the node when it crashes.
        vital: The graph ends when the node ends.
        output: As in launch: ``log`` (a file only), ``screen`` or ``both``.
        niceness: Increment of the scheduling niceness: higher gives way to other processes.
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

    @property
    def path(self) -> str:
        """Namespace and name without a leading slash, unique within a graph."""
        return f'{self.namespace}/{self.name}'.lstrip('/')


@dataclass(frozen=True)
class GraphDescription:
    """The processes of one stage, in the order in which they are started.

    Raises:
        ValueError: Two nodes share a name within a namespace.
    """

    name: str
    nodes: tuple[NodeDescription, ...]
    log_level: str = 'info'

    def __post_init__(self) -> None:
        names = [node.path for node in self.nodes]
        if len(set(names)) != len(names):
            raise ValueError(f'graph {self.name!r} has two nodes of one name: {sorted(names)}')

    def node(self, name: str) -> NodeDescription:
        """Return a node by its name, with the namespace if it has one (``left/sim_node``).

        Raises:
            KeyError: There is no such node; the message lists the nodes.
        """
        for node in self.nodes:
            if node.path == name:
                return node
        raise KeyError(f'graph {self.name!r} has no node {name!r}, only '
                       f'{[node.path for node in self.nodes]}')


def restarting(graph: GraphDescription, *names: str) -> GraphDescription:
    """Return a graph in which these nodes are restarted after a crash, if it has them."""
    return replace(graph, nodes=tuple(
        replace(node, respawn=node.respawn or node.name in names) for node in graph.nodes))


def with_parameters(graph: GraphDescription, file: str) -> GraphDescription:
    """Return a graph whose nodes have the parameters of a ROS parameter file, too.

    Args:
        graph: The graph.
        file: The file, or its name in config/parameters.

    Raises:
        ParameterFileError: Something in the file is wrong, or contradicts what the graph sets.
    """
    found = parameters_of_file(find_parameter_file(file), {
        node.path: (node.executable, node.parameters) for node in graph.nodes})
    return replace(graph, nodes=tuple(
        replace(node, parameters={**node.parameters, **found[node.path]})
        for node in graph.nodes))


def simulation_graph(options: GraphOptions) -> GraphDescription:
    """Return the graph of the simulated arm alone, for nodes started elsewhere."""
    return _graph('simulate', [] if options.mock_arm else ['simulation'], options,
                  _simulation(options))


def recording_graph(options: GraphOptions, person_starts: bool = True) -> GraphDescription:
    """Return the graph of demonstrations: an operator drives, the recorder writes bags.

    Args:
        options: Options of the graph.
        person_starts: A person's button begins episodes. False: only a program does, so that it
            never finds the robot busy with a person's episode.
    """
    person_starts = person_starts and not options.run
    return _graph('record', ['demonstrations'], options, _simulation(options),
                  _actuation(options, person_starts=person_starts, task=options.task),
                  _recorder(options, demonstrations=options.demonstrations, journal=''),
                  None if options.teleop_device == 'external' else _teleop(options))


def evaluation_graph(options: GraphOptions) -> GraphDescription:
    """Return the graph of evaluation: the policy drives; nothing is learned.

    Nothing is recorded either, unless ``attempts`` says where.
    """
    return _graph('evaluate', ['model'], options, _simulation(options), _actuation(options),
                  _reward(options), _policy(options, options.model),
                  _recorder(options, demonstrations='', journal='') if options.attempts else None)


def finetuning_graph(options: GraphOptions) -> GraphDescription:
    """Return the graph of fine-tuning: policy, recorder with a journal, and learner."""
    needed = ['journal', 'pretrained']
    if options.learner:
        needed = ['demonstrations', 'journal', 'finetune_config', 'pretrained', 'run_dir']
    elif not options.finetune_config and options.exploration_scale < 0.0:
        raise ValueError("finetune needs a copy of the learner's settings (finetune_config), "
                         'which say how it explores; or exploration_scale')
    nodes = [node for each in _each_robot(options) for node in (
        _simulation(each), _actuation(each, longest_rollout=each.longest_rollout),
        _reward(each),
        _policy(each, each.model or each.pretrained, each.demonstrations,
                hold_first=each.hold_first, held_versions=each.held_versions),
        _recorder(each, demonstrations='', journal=each.journal))]
    return _graph('finetune', needed, options, *nodes,
                  _learner(options) if options.learner else None)


def learning_graph(options: GraphOptions) -> GraphDescription:
    """Return the graph of the learner alone, for another machine than the robot's."""
    return _graph('learn', ['demonstrations', 'finetune_config', 'pretrained', 'run_dir'], options,
                  _learner(options))


STAGES: dict[str, Callable[[GraphOptions], GraphDescription]] = {
    'simulate': simulation_graph,
    'record': recording_graph,
    'evaluate': evaluation_graph,
    'finetune': finetuning_graph,
    'learn': learning_graph,
}


def ros_arguments(node: NodeDescription, log_level: str = 'info') -> list[str]:
    """Return the command line arguments of a node's process.

    Values are written as JSON, a subset of YAML: strings such as ``007`` or ``true`` stay strings,
    and whole floats stay floats.
    """
    arguments = ['--ros-args', '-r', f'__node:={node.name}']
    if node.namespace:
        arguments += ['-r', f'__ns:={_absolute(node.namespace)}']
    for old, new in node.remappings.items():
        arguments += ['-r', f'{old}:={new}']
    for name, value in node.parameters.items():
        arguments += ['-p', f'{name}:={json.dumps(value, ensure_ascii=False, allow_nan=False)}']
    # The enclave has an effect with SROS2 only: each process then has its own rights.
    return [*arguments, '--enclave', f'/inril/{node.path}', '--log-level', log_level]


def _absolute(namespace: str) -> str:
    return '/' + namespace.strip('/')


def _each_robot(options: GraphOptions) -> list[GraphOptions]:
    """Return the options of each robot, with its own namespace and journal."""
    if not options.robots:
        return [options]
    return [replace(options, robots=(), namespace=f'{options.namespace}/{robot}'.lstrip('/'),
                    journal=f'{options.journal}/{robot}') for robot in options.robots]


def _graph(name: str, needed: Sequence[str], options: GraphOptions,
           *nodes: NodeDescription | None) -> GraphDescription:
    missing = [option for option in needed if not getattr(options, option)]
    if missing:
        raise ValueError(f'{name} needs {", ".join(missing)} in its options')
    if options.judge and name not in JUDGED_STAGES:
        raise ValueError(f'judge is for {" and ".join(JUDGED_STAGES)}; in {name} the simulator or '
                         'a person judges')
    if options.robots and name not in ('finetune', 'learn'):
        raise ValueError(f'robots is for finetune and learn; {name} is for one robot: use '
                         'namespace')
    started = [node for node in nodes if node is not None]
    graph = GraphDescription(
        name, (*started, *_conductors(name, started, options)), options.log_level)
    return with_parameters(graph, options.params_file) if options.params_file else graph


def _node(options: GraphOptions, executable: str, *, niceness: int = 0, respawn: bool = False,
          vital: bool = False, **parameters: Parameter) -> NodeDescription:
    shared = {'contract': options.contract, 'run_id': options.run_id,
              'lockstep': options.lockstep, 'autostart': options.autostart,
              'use_sim_time': options.use_sim_time}
    # Each simulation in lockstep has its own time: several must not share the clock.
    own_clock = options.lockstep and bool(options.namespace)
    return NodeDescription(executable, name=executable, namespace=options.namespace,
                           parameters={**shared, **parameters}, respawn=respawn,
                           remappings={'/clock': 'clock'} if own_clock else {},
                           vital=vital, niceness=niceness)


def _conductors(
    stage: str, nodes: Sequence[NodeDescription], options: GraphOptions,
) -> list[NodeDescription]:
    """Return what asks for the episodes of each robot of a graph, if there is a run."""
    if not options.run or stage not in ('record', 'evaluate', 'finetune'):
        return []
    conductors = []
    for robot in _each_robot(options):
        theirs = [node.name for node in nodes if node.namespace == robot.namespace]
        # The learner of several robots is in none of their namespaces.
        learner = 'learner_node' if 'learner_node' in theirs else '/' + '/'.join(
            filter(None, [robot.namespace.strip('/').rpartition('/')[0], 'learner_node']))
        learns = stage == 'finetune' and 'learner_node' not in theirs
        conductors.append(NodeDescription(
            'conductor_node', 'conductor_node', namespace=robot.namespace,
            respawn=options.respawn, parameters={
                'run': options.run, 'robot': robot.namespace.strip('/'), 'stage': stage,
                'model': options.model, 'nodes': [*theirs, *([learner] if learns else [])],
                'learner': learner, 'episodes': options.episodes, 'env_steps': options.env_steps,
                'evaluation_every': options.evaluation_every,
                'evaluation_episodes': options.evaluation_episodes,
                'reset_seconds': float(options.reset_seconds),
                'synchronous': options.synchronous, 'simulation': options.simulation,
                'scene_node': 'gazebo_node' if options.gazebo else 'sim_node'}))
    return conductors


def _simulation(options: GraphOptions) -> NodeDescription | None:
    if options.mock_arm:
        return _node(options, 'mock_arm_node')
    if not options.simulation:
        return None
    shared = {'simulation': options.simulation, 'task': options.task,
              'judges': not options.judge}
    if options.gazebo:
        return _node(options, 'gazebo_node', **shared)
    return _node(options, 'sim_node', camera=options.camera, **shared)


def _actuation(options: GraphOptions, **own: Parameter) -> NodeDescription:
    # A simulated arm endangers nobody; a real one moves after a person's consent only.
    simulated = bool(options.simulation) or options.mock_arm
    return _node(options, 'actuation_node', vital=True, enable_on_activate=simulated,
                 watch_cameras=options.camera or not simulated, dry_run=options.dry_run, **own)


def _teleop(options: GraphOptions) -> NodeDescription:
    return _node(options, 'teleop_node', device=options.teleop_device,
                 settings=options.teleop_settings, simulation=options.simulation,
                 task=options.task, noise=float(options.operator_noise))


def _reward(options: GraphOptions) -> NodeDescription | None:
    if not options.judge:
        return None
    # Beside the model, in the folder of the run's classifier; each robot has its own.
    name = '_'.join(filter(None, ['episodes', *options.namespace.split('/')]))
    return _node(options, 'reward_node', respawn=options.respawn, judge=options.judge,
                 record=str(Path(options.judge).with_name(f'{name}.jsonl')),
                 truth=bool(options.simulation))


def _policy(options: GraphOptions, model: str, demonstrations: str = '',
            **own: Parameter) -> NodeDescription:
    # In simulation bad episodes cost nothing, and studies must see them.
    return _node(options, 'policy_node', respawn=options.respawn, model=model,
                 demonstrations=demonstrations, finetune_config=options.finetune_config,
                 exploration_scale=float(options.exploration_scale),
                 automatic_rollback=not options.simulation, **own)


def _learner(options: GraphOptions) -> NodeDescription:
    several = {'robots': list(options.robots)} if options.robots else {}
    if options.robots and options.lockstep:  # they have no common time
        options = replace(options, lockstep=False, use_sim_time=False)
    return _node(
        options, 'learner_node', niceness=5, respawn=options.respawn,
        config=options.finetune_config, pretrained=options.pretrained,
        demonstrations=options.demonstrations, run_dir=options.run_dir, seed=options.seed,
        device=options.device, synchronous=options.synchronous,
        reset_seconds=float(options.reset_seconds), **several)


def _recorder(options: GraphOptions, demonstrations: str, journal: str) -> NodeDescription:
    return _node(options, 'recorder_node', respawn=options.respawn,
                 demonstrations=demonstrations, journal=journal, attempts=options.attempts)
