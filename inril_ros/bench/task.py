# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One task of a study as data: its simulation, demonstrations and changes to the robot."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

STRICT = ConfigDict(extra='forbid', strict=False)
Label = Annotated[str, Field(pattern=r'^[A-Za-z0-9][A-Za-z0-9_.-]*$', max_length=60)]
Count = Annotated[int, Field(ge=1, le=1_000_000_000)]
_Finite = Annotated[float, Field(allow_inf_nan=False)]
_NotNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]


class StudyError(ValueError):
    """A study that can't be run; the message names file, key and what is allowed."""


@dataclass(frozen=True, config=STRICT)
class Demonstrations:
    """Number and quality of the demonstrations that the policy is cloned from.

    Attributes:
        number: Number of episodes.
        source: ``expert``: Meta-World's scripted expert; ``policy``: a saved model acts;
            ``bags``: recorded episodes; ``robomimic``, ``d4rl``, ``minari``: the first episodes of
            a data set, which has the robot's observations and commands; with rewards of 0 and 1
            they end at the first 1. Recorded ones are the same for each seed.
        path: Folder of the model, of the bags or of Minari's data set; file of robomimic or D4RL.
        action_noise: Standard deviation of the noise on the expert's actions (-1..1).
        labels: Recorded action: the ``executed`` one with its noise, or the one the ``expert``
            wanted, which shows how to recover.
        region_share: Share of the initial states that demonstrations begin in: the lowest ones
            along the coordinate that varies most. Evaluation uses all of them.
        keep_failures: Whether to keep failed attempts.
        keys: For ``robomimic``, and ``minari`` with dictionaries: names of the data set's
            observations, in the order of the robot's.
        filter_key: For ``robomimic``: the list of demonstrations to take; default: all.
    """

    number: Count = 8
    source: Literal['expert', 'policy', 'bags', 'robomimic', 'd4rl', 'minari'] = 'expert'
    path: str = ''
    action_noise: _NotNegative = 0.3
    labels: Literal['executed', 'expert'] = 'executed'
    region_share: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    keep_failures: bool = False
    keys: tuple[str, ...] = ()
    filter_key: str | None = None

    def __post_init__(self) -> None:
        if (self.source == 'expert') == bool(self.path):
            raise ValueError(f'source {self.source} needs '
                             f'{"no path" if self.path else "a path"}')
        if self.keys and self.source not in ('robomimic', 'minari'):
            raise ValueError(f'source {self.source} has no keys')
        if self.filter_key is not None and self.source != 'robomimic':
            raise ValueError(f'source {self.source} has no filter_key')


@dataclass(frozen=True, config=STRICT)
class Shift:
    """How the robot of fine-tuning differs from the robot of the demonstrations.

    Attributes:
        action_gain: Factor on the commands.
        latency: Delay of the commands [ticks].
        observation_bias: Offset of an observation of the contract: one number for all its values,
            or one for each.
    """

    action_gain: Annotated[float, Field(gt=0.0, le=10.0)] = 1.0
    latency: Annotated[int, Field(ge=0, le=100)] = 0
    observation_bias: dict[str, _Finite | tuple[_Finite, ...]] = Field(default_factory=dict)


@dataclass(frozen=True, config=STRICT)
class Success:
    """What counts as success in a Gymnasium environment: exactly one of these.

    Attributes:
        info: Key of the environment's info that is true at success.
        reward: Smallest reward of a successful step.
        terminated_with_reward: Smallest reward of a successful last step.
    """

    info: str | None = None
    reward: _Finite | None = None
    terminated_with_reward: _Finite | None = None

    def __post_init__(self) -> None:
        if sum(value is not None for value in asdict(self).values()) != 1:
            raise ValueError('give exactly one of info, reward, terminated_with_reward')


@dataclass(frozen=True, config=STRICT)
class Images:
    """The images of the policy, and the rest of its state.

    Attributes:
        cameras: Cameras of the robot's contract, each with a view in the simulation mapping; for
            ``gymnasium``: ``render``, the environment's own pictures.
        size: Width and height of the policy's images [pixel].
        observations: Policy observations to keep; default: all. A policy that gets the positions
            of objects as numbers has no reason to look.
    """

    cameras: Annotated[tuple[str, ...], Field(min_length=1)]
    size: Annotated[int, Field(ge=8, le=512)] = 64
    observations: tuple[str, ...] | None = None


@dataclass(frozen=True, config=STRICT)
class Task:
    """A task, its demonstrations and its robot.

    Attributes:
        id: Task of the simulation mapping, or Gymnasium id.
        simulation: Name or file of a mapping (``config/simulations``), or ``gymnasium``.
        name: Label in results, if several tasks have one id.
        demonstrations: Number and quality of the demonstrations.
        shift: Changes to the robot after the demonstrations.
        images: Images of the policy; default: those of the robot's contract.
        time_limit: Time limit [s], simulated; default: the mapping's or the environment's.
        success: For ``gymnasium``: what counts as success; default: the info key success or
            is_success.
        reward: For ``gymnasium``: ``sparse`` (1 at success) or the ``environment``'s.
        modules: For ``gymnasium``: Python modules whose import registers the id.
        make: For ``gymnasium``: keyword arguments of ``gymnasium.make``.
    """

    id: Annotated[str, Field(min_length=1, max_length=200)]
    simulation: str = 'metaworld'
    name: Label | None = None
    demonstrations: Demonstrations = Field(default_factory=Demonstrations)
    shift: Shift = Field(default_factory=Shift)
    images: Images | None = None
    time_limit: Annotated[float, Field(gt=0.0, le=1e6)] | None = None
    success: Success | None = None
    reward: Literal['sparse', 'environment'] = 'sparse'
    modules: tuple[str, ...] = ()
    make: dict[str, Any] = Field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.simulation != 'gymnasium' and (self.success or self.modules or self.make):
            raise ValueError('success, modules and make are for simulation: gymnasium; '
                             'a mapping has its own')

    @property
    def document(self) -> dict[str, Any]:
        """The task as plain data; without newer keys that aren't set: older hashes stay valid."""
        document = asdict(self)
        if self.images is None:
            del document['images']
        for name in ('keys', 'filter_key'):
            if not document['demonstrations'][name]:
                del document['demonstrations'][name]
        return document

    @property
    def label(self) -> str:
        """The task's name in results and file names."""
        return self.name or self.id.replace('/', '-')
