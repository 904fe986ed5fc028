# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Drive the tutorial's simulator for one episode, without ROS."""

from pathlib import Path

from inril_ros.robot.contract.contract import load_contract
from inril_ros.sim.environment import make_simulation

HERE = Path(__file__).parent


def main() -> None:
    """Move the hand straight to the mark."""
    contract = load_contract(HERE / 'robots/point.yaml')
    robot = make_simulation(HERE / 'simulations/point.yaml', 'reach', contract)
    state, ticks = robot.reset(seed=0), 0
    while state.outcome == 'none' and ticks < 50:
        to_mark = state.values['mark'] - state.values['hand']
        state, ticks = robot.step(to_mark.clip(-0.5, 0.5)), ticks + 1
    print(f'{state.outcome} after {ticks} ticks, reward {state.reward:g}')


if __name__ == '__main__':
    main()
