# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The options of a graph."""

from dataclasses import dataclass
import re

#: Stages in which a classifier may judge.
JUDGED_STAGES = ('evaluate', 'finetune')
_NAMESPACE = re.compile(r'^(/?[A-Za-z_][A-Za-z0-9_]*)(/[A-Za-z_][A-Za-z0-9_]*)*$')


@dataclass(frozen=True)
class GraphOptions:
    """Options of a graph. Paths are strings, as ROS parameters are; empty: not given.

    Attributes:
        contract: The robot contract (YAML).
        run_id: UUID of the run.
        simulation: Simulation mapping (YAML); empty: a real robot, no simulation node.
        mock_arm: A simulated arm with the contract's topics replaces the real one.
        gazebo: Gazebo simulates the world of the simulation mapping, instead of sim_node.
        task: Name of the task in the simulation mapping.
        lockstep: The simulation waits for each action and runs as fast as the graph can.
        use_sim_time: Nodes follow ``/clock``, as lockstep and Gazebo require. The built-in arm
            publishes a clock in lockstep only.
        autostart: Nodes configure and activate themselves; off if a person does it.
        respawn: Policy, recorder and learner are restarted after a crash; the policy then waits
            for the next episode. The actuation node never is: it would command the arm again
            unwatched.
        dry_run: Everything is computed and published, except commands to the robot.
        learner: The learner runs here; if not, on another machine ('learn').
        namespace: Namespace of the robot.
        robots: Namespaces, within ``namespace``, of several robots with one contract and one
            learner: each has all other nodes, and its journal in ``journal/<name>``. Empty: one
            robot. For 'finetune' and 'learn'.
        params_file: Parameters of the nodes, as a ROS parameter file (YAML) or a name in
            config/parameters.
        log_level: ``debug``, ``info``, ``warn`` or ``error``.
        camera: The simulation renders the contract's cameras.
        teleop_device: Device of demonstrations: ``scripted`` in simulation; a person's
            ``joystick``, ``spacemouse``, ``leader`` or ``joint_jog``; ``external``: a publisher
            outside of this graph (as a keyboard, which needs a terminal: ``inril teleop``).
        teleop_settings: Settings of that device (YAML); empty: its defaults.
        operator_noise: Standard deviation of the scripted operator's errors, normalised action.
        judge: Folder of the classifier that judges evaluations and fine-tuning; empty: the
            simulator or a person does.
        model: Folder of the policy node's first model; default in fine-tuning: ``pretrained``.
        demonstrations: Folder of demonstration bags: written when recording, read by the learner.
        attempts: Folder of bags of evaluation episodes, from which a classifier learns; empty:
            they are not recorded.
        journal: Folder of the rollout journal.
        finetune_config: Settings of the fine-tuning session (YAML).
        pretrained: Folder of the cloned model.
        run_dir: Folder the learner writes to.
        hold_first: The policy's first model acts until the hold is released: it is evaluated.
        held_versions: Folder for the models of versions that are held while they are evaluated.
        seed: Seed of the learner.
        device: Device of the learner: ``auto``, ``cpu`` or ``cuda``.
        synchronous: The learner learns between episodes only, which is repeatable.
        longest_rollout: Ticks after which an episode of learning is cut; 0: at the time limit.
        reset_seconds: [s] Time that a person needs to reset the scene, for the minutes of robot
            and person.
        exploration_scale: Standard deviation of the noise on the policy's actions while learning,
            normalised action; negative: what the host in ``finetune_config`` explores with.
        run: Folder of the run whose episodes ``conductor_node`` asks for, of each robot; empty:
            somebody else asks.
        episodes: Demonstrations to record, or episodes of the evaluation; 0: as the run has
            noted, else as ``inril`` does.
        env_steps: Environment steps of fine-tuning; 0: the same.
        evaluation_every: Environment steps between two blocks of evaluation that judge versions;
            0: none.
        evaluation_episodes: Episodes of such a block.

    Raises:
        ValueError: Options exclude each other, or a name is no ROS name.
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
    robots: tuple[str, ...] = ()
    params_file: str = ''
    log_level: str = 'info'
    camera: bool = False
    teleop_device: str = 'scripted'
    teleop_settings: str = ''
    operator_noise: float = 0.3
    judge: str = ''
    model: str = ''
    demonstrations: str = ''
    attempts: str = ''
    journal: str = ''
    finetune_config: str = ''
    pretrained: str = ''
    run_dir: str = ''
    hold_first: bool = False
    held_versions: str = ''
    seed: int = 0
    device: str = 'auto'
    synchronous: bool = False
    longest_rollout: int = 0
    reset_seconds: float = 10.0
    exploration_scale: float = -1.0
    run: str = ''
    episodes: int = 0
    env_steps: int = 0
    evaluation_every: int = 0
    evaluation_episodes: int = 10

    def __post_init__(self) -> None:
        names = [*([self.namespace] if self.namespace else []), *self.robots]
        robots = ', '.join(self.robots)
        for wrong, message in (
            (not self.contract, 'contract is empty: give the path of a robot contract'),
            (self.lockstep and not self.simulation,
             'lockstep is for a simulation: a real robot does not wait'),
            (self.mock_arm and self.simulation,
             'mock_arm and simulation exclude each other: each one is the robot'),
            (self.gazebo and (not self.simulation or self.lockstep or not self.use_sim_time),
             'gazebo needs a simulation (its world and task) and use_sim_time, and no lockstep: '
             'it has its own clock'),
            (self.lockstep and not self.use_sim_time,
             'lockstep needs use_sim_time: the clock stops while nodes compute'),
            *((not _NAMESPACE.match(name),
               f'namespace {name!r} is no ROS name: letters, digits and _ between slashes, not '
               'starting with a digit') for name in names),
            (len(set(self.robots)) != len(self.robots), f'robots names one twice: {robots}'),
            (any(name.startswith('/') for name in self.robots),
             f'robots {robots}: leave the leading slash out: they are within namespace'),
            (self.synchronous and len(self.robots) > 1,
             'synchronous is for one robot: the order in which several send experience is not '
             'repeatable'),
            (self.gazebo and len(self.robots) > 1,
             "gazebo has one arm per world: start each robot alone, and one learner ('learn') "
             'for all'),
            (self.log_level not in ('debug', 'info', 'warn', 'error'),
             f'log_level is {self.log_level!r}: debug, info, warn or error'),
        ):
            if wrong:
                raise ValueError(message)
