# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Meta-World's environments without the work that only their dense reward needs.

More than half of a step of Meta-World is its dense reward and a search of all contacts in Python.
A sparse task needs to know only whether the step succeeded. Observations and success stay the
same, bit by bit: distances, joints and contacts decide about success, never a term of the reward.
"""

import inspect
from types import FunctionType, SimpleNamespace
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation


def without_dense_reward(environment: Any) -> Any:
    """Return the same environment (``SawyerXYZEnv``), whose steps compute no dense reward.

    Its rewards, and all of ``info`` except ``success``, mean nothing afterwards. Other
    environments of the same class don't change.
    """
    for base in reversed(type(environment).__mro__):
        for name, method in vars(base).items():
            if isinstance(method, FunctionType) and _CHEAPER.keys() & {*method.__code__.co_names}:
                setattr(environment, name, _with_globals(method).__get__(environment))
    environment._gripper_caging_reward = _no_term
    environment.touching_object = _Grasp(environment)
    _settle_once(environment)
    return environment


def _settle_once(environment: Any) -> None:
    """Leave out the physics of a reset that the reset itself undoes.

    Meta-World makes each scene twice, with MuJoCo's data cleared in between. Of the first time
    only the random numbers matter, which are drawn as before.
    """
    whole, make = environment.reset, environment.reset_model

    def first() -> np.ndarray:
        environment.do_simulation, environment.reset_model = _no_term, make
        try:
            return make()
        finally:
            del environment.do_simulation

    def reset(**options: Any) -> tuple[np.ndarray, dict[str, Any]]:
        environment.reset_model = first
        return whole(**options)

    environment.reset = reset


class _Grasp:
    """Whether both pads of the gripper press on a geom: ``touching_object`` without loops."""

    def __init__(self, environment: Any) -> None:
        self._data = environment.data
        self._pads = [environment.model.geom(name).id
                      for name in ('leftpad_geom', 'rightpad_geom')]

    def __call__(self, geom: int) -> bool:
        contact = self._data.contact
        first, second, addresses = contact.geom1, contact.geom2, contact.efc_address
        for pad in self._pads:
            touching = (first == pad) & (second == geom) | (first == geom) & (second == pad)
            if not sum(self._data.efc_force[addresses[touching]].tolist()) > 0.0:
                return False
        return True


def _with_globals(method: FunctionType) -> FunctionType:
    """Return a copy of a method that finds the cheaper functions in place of its module's."""
    copy = FunctionType(method.__code__, {**method.__globals__, **_CHEAPER}, method.__name__,
                        method.__defaults__, method.__closure__)
    copy.__kwdefaults__ = method.__kwdefaults__
    return copy


def _no_term(*_: Any, **__: Any) -> float:
    """Stand in for a term of the dense reward."""
    return 0.0


# MuJoCo's matrices are rotations; newer versions of SciPy can be told not to test that.
_TRUST = ({'assume_valid': True}
          if 'assume_valid' in inspect.signature(Rotation.from_matrix).parameters else {})


def _from_matrix(matrix: np.ndarray) -> Rotation:
    return Rotation.from_matrix(matrix, **_TRUST)


_CHEAPER = {
    'reward_utils': SimpleNamespace(
        tolerance=_no_term, inverse_tolerance=_no_term, hamacher_product=_no_term,
        rect_prism_tolerance=_no_term),
    'tolerance': _no_term,
    'Rotation': SimpleNamespace(from_matrix=_from_matrix),
}
