# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The rules of a contract: workspace, episodes, teleoperation, chunks, safety.

Every rule has a safe default. ``checks`` checks that rules fit to observations and actions.
"""

from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

STRICT = ConfigDict(extra='forbid', strict=False)
# A private name (~/...) would be another topic for each node.
TOPIC = r'^/?[A-Za-z_][A-Za-z0-9_]*(/[A-Za-z_][A-Za-z0-9_]*)*$'
Topic = Annotated[str, Field(pattern=TOPIC)]
OptionalName = Annotated[str, Field(pattern=f'^$|{TOPIC}')]
OptionalTopic = Annotated[str, Field(pattern=f'^$|{TOPIC}')]
Positive = Annotated[float, Field(gt=0.0, le=1e9)]
NotNegative = Annotated[float, Field(ge=0.0, le=1e9)]
#: Size of a reward, at most: it is summed over an episode, and squared.
MOST_REWARD = 1e6
#: Name of the node whose verdicts are those of a classifier.
CLASSIFIER = 'reward_node'
#: Where a judge gives its verdicts if a person may overrule them (``episode.veto``).
JUDGE_TOPIC = 'judge/verdict'
_Reward = Annotated[float, Field(ge=-MOST_REWARD, le=MOST_REWARD)]
_Finite = Annotated[float, Field(ge=-1e9, le=1e9)]
Index = Annotated[int, Field(ge=0, le=31)]
OptionalIndex = Annotated[int, Field(ge=-1, le=31)]


@dataclass(frozen=True, config=STRICT)
class Workspace:
    """A box that must not be left.

    It guards an observed position that a velocity command moves (``observation`` and ``action``),
    or links of an arm whose joints are commanded by position (``links``), or both.

    Attributes:
        observation: Name of the observed position (x, y, z).
        action: Name of the action that moves it: its velocity (x, y, z) in the same frame.
        links: Names of URDF links whose origins stay in the box, for example the tool.
        minimum: [m] Lower corner.
        maximum: [m] Upper corner.
    """

    minimum: tuple[float, float, float]
    maximum: tuple[float, float, float]
    observation: str = ''
    action: str = ''
    links: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if bool(self.observation) != bool(self.action):
            raise ValueError('observation and action belong together: give both or neither')
        if not self.observation and not self.links:
            raise ValueError('guards nothing: give observation and action, or links')


@dataclass(frozen=True, config=STRICT)
class Kinematics:
    """Source of the arm's geometry; needed if the workspace names links.

    Attributes:
        urdf: Path of a URDF file in the contract's folder or below it, or an absolute path; what
            isn't there is looked for among the robots of this package. Its joint limits apply
            too, if they are tighter than the contract's; where joints of two actions have the
            same name, to both.
        sha256: SHA-256 of the file's content; filled in when a contract is loaded. If it is
            given, no other URDF is accepted.
    """

    urdf: Annotated[str, Field(min_length=1)]
    sha256: Annotated[str, Field(pattern=r'^([0-9a-f]{64})?$')] = ''

    def __post_init__(self) -> None:
        if '..' in PurePosixPath(self.urdf).parts:
            raise ValueError(f'urdf {self.urdf!r} leaves the folder of the contract: runs keep a '
                             'copy of both; put the URDF below it, or give an absolute path')


@dataclass(frozen=True, config=STRICT)
class EpisodeRules:
    """Beginning and end of episodes.

    Attributes:
        time_limit: [s] Time after which an episode ends without a terminal state.
        reset_service: Name of the std_srvs/Trigger service that brings the robot and the scene to
            the start. Empty if there is none, and the home pose or a person does it.
        reset_timeout: [s] Time after which a reset has failed; simulated time where ticks follow
            it.
        outcome_topic: Topic of inril_ros/Outcome verdicts.
        judge: Name of the node whose verdicts count besides those that a person gives by a button
            or a service; ``reward_node``: the classifier of the run, which evaluation and
            fine-tuning then start, in simulation too; ``person``: of no other node; empty: of any
            node. While another node publishes verdicts too, episodes end and none begins. In
            lockstep the simulator judges, unless the classifier does.
        veto: [s] Time in which a person may overrule a verdict of the judge, which must be a
            named node and gives its verdicts on ``judge/verdict`` then. The arm is held
            meanwhile, and the verdict counts once the time is over. 0: it counts at once, as
            always in lockstep.
        reward: Lowest and highest reward of a verdict; others are refused. 0 and 1 are among
            them: they are what a person's verdicts bring.
        home: [rad or m] Joint positions to drive to before each episode. Without them the reset
            service alone moves the robot. Where joints of two actions have the same name, they are
            written as action and joint: ``left.waist``.
        home_speed: Share of the limits of motion that the way home uses.
        ready: Who confirms that the scene is set: ``service``, the reset service by its answer, or
            ``person``, a person after it.
    """

    time_limit: Positive
    reset_service: OptionalTopic = 'reset'
    reset_timeout: Positive = 30.0
    outcome_topic: Topic = 'outcome'
    judge: OptionalName = ''
    veto: Annotated[float, Field(ge=0.0, le=30.0)] = 0.0
    reward: tuple[_Reward, _Reward] = (-MOST_REWARD, MOST_REWARD)
    home: dict[str, _Finite] = Field(default_factory=dict)
    home_speed: Annotated[float, Field(gt=0.0, le=1.0)] = 0.3
    ready: Literal['service', 'person'] = 'service'

    def __post_init__(self) -> None:
        if not (self.reset_service or self.home or self.ready == 'person'):
            raise ValueError('nothing resets the robot: give reset_service, home, or '
                             'ready: person')
        if not (self.reward[0] <= 0.0 and self.reward[1] >= 1.0):
            raise ValueError(f'reward {list(self.reward)} must allow 0 and 1, which verdicts of a '
                             'person bring')
        if self.veto and self.judge in ('', 'person'):
            raise ValueError(f'veto: {self.veto:g} is the time to overrule a node that judges: '
                             f'name it by judge, for example {CLASSIFIER}')

    @property
    def verdict_topics(self) -> tuple[str, ...]:
        """Topics of verdicts, those that count first."""
        return (self.outcome_topic, JUDGE_TOPIC) if self.veto else (self.outcome_topic,)

    @property
    def classifier_judges(self) -> bool:
        """Whether the judge is the classifier of the run."""
        return self.judge.rpartition('/')[2] == CLASSIFIER

    def refusal_of_reward(self, reward: float) -> str:
        """Return why a verdict must not bring a reward; empty if it may."""
        low, high = self.reward
        if low <= reward <= high:  # NaN isn't
            return ''
        return (f'its reward is {reward:g}, the contract allows {low:g} to {high:g} '
                '(episode.reward)')


@dataclass(frozen=True, config=STRICT)
class Teleoperation:
    """Topics of a person's device, and how the person takes over.

    Attributes:
        twist_topic: Topic of the commanded velocity [m/s], geometry_msgs/TwistStamped.
        twist_action: Name of the action that the twist's linear part commands; empty if none.
        joint_topic: Topic of a leader arm's joints, sensor_msgs/JointState.
        joint_action: Name of the action (joint positions) that the leader commands; empty if none.
        leader: ``relative``: the follower copies the leader's motion from where both are at the
            takeover. ``absolute``: it moves to the leader's pose within the ramp and stays there.
        joy_topic: Topic of buttons and axes, sensor_msgs/Joy.
        deadman_button: Index of the button that must be held for any motion.
        gripper_axis: Index of the axis that commands ``gripper_action``, -1..1.
        gripper_action: Name of the action that the axis commands; empty if none.
        max_age: [s] An older command counts as released.
        takeover: What takes over from the policy: ``deadman``, the held button; ``motion``, moving
            the device; or ``either``.
        motion_threshold: [m/s or rad/s] Speed above which the device counts as moving.
        release_after: [s] Time at rest after which a device that took over by moving is released.
        ramp: [s] Duration of the transition from one source of commands to the other.
        success_button: Index of the button that ends the episode as a success; -1 if none.
        failure_button: Index of the button that ends the episode as a failure; -1 if none.
        discard_button: Index of the button that ends the episode and discards it; -1 if none.
        ready_button: Index of the button that confirms that the scene is set; -1 if none.
        start_button: Index of the button that requests a demonstration; -1 if none.
        rotation_action: Name of the action that the twist's angular part [rad/s] commands; empty
            if none.
        order: Kinds of teleop devices, the first one first. One that drives keeps the robot until
            it was let go for ``release_after``; only a device that stands before it takes over
            earlier. ``other``: devices that don't say who they are, which all count as one.
    """

    twist_topic: Topic = 'teleop/twist'
    twist_action: str = ''
    joint_topic: Topic = 'teleop/joint_states'
    joint_action: str = ''
    leader: Literal['relative', 'absolute'] = 'relative'
    joy_topic: Topic = 'teleop/joy'
    deadman_button: Index = 0
    gripper_axis: Index = 0
    gripper_action: str = ''
    max_age: Positive = 0.1
    takeover: Literal['deadman', 'motion', 'either'] = 'deadman'
    motion_threshold: Positive = 0.02
    release_after: Positive = 0.5
    ramp: Positive = 0.25
    success_button: OptionalIndex = -1
    failure_button: OptionalIndex = -1
    discard_button: OptionalIndex = -1
    ready_button: OptionalIndex = -1
    start_button: OptionalIndex = -1
    rotation_action: str = ''
    order: tuple[Literal['joystick', 'spacemouse', 'leader', 'joint_jog', 'keyboard', 'scripted',
                         'other'], ...] = ()

    def __post_init__(self) -> None:
        buttons = [number for number in (
            self.success_button, self.failure_button, self.discard_button, self.ready_button,
            self.start_button) if number >= 0]
        if len({self.deadman_button, *buttons}) != len(buttons) + 1:
            raise ValueError('two buttons have the same index')
        if len(set(self.order)) != len(self.order):
            raise ValueError(f'order names a device twice: {list(self.order)}')


@dataclass(frozen=True, config=STRICT)
class ChunkRules:
    """What is executed where action chunks overlap.

    Attributes:
        blend: ``latest``: the newest chunk. ``ensemble``: the weighted mean of all chunks, weights
            ``exp(-ensemble_decay * i)`` with i = 0 for the oldest (Zhao et al. 2023, ACT).
            ``cross_fade``: the newest one, faded in from the one before it.
        ensemble_decay: Decay of the weights of an ensemble.
        fade: [s] Duration of a cross-fade.
    """

    blend: Literal['latest', 'ensemble', 'cross_fade'] = 'latest'
    ensemble_decay: NotNegative = 0.01
    fade: Positive = 0.1


@dataclass(frozen=True, config=STRICT)
class SafetyRules:
    """Rules for holding the arm, besides its limits and the workspace.

    Attributes:
        max_policy_age: [s] A step whose chunk was inferred from an older observation is not
            executed.
        max_tick_gap: [periods] After a longer gap between two ticks one tick is held.
        latch_after: [s] A fault (not merely a missing action) that lasts longer needs ``resume``.
        max_camera_age: [s] A camera that is silent for longer is a fault.
        camera_frozen_after: [s] A camera that repeats its image for longer is a fault; 0: never.
    """

    max_policy_age: Positive = 2.0
    max_tick_gap: Annotated[float, Field(ge=1.5, le=1e9)] = 5.0
    latch_after: Positive = 1.0
    max_camera_age: Positive = 0.5
    camera_frozen_after: NotNegative = 1.0
