# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""One block of the timing benchmark: the processes of one way to pace commands."""

from collections.abc import Callable
from contextlib import ExitStack, suppress
import json
import os
from pathlib import Path
import subprocess
import sys
import threading
import time
from typing import Any
from uuid import uuid4

from timing_listener import Listener
from timing_report import Block
import torch
import yaml

from inril_ros.cli.run.resources import find_configuration
from inril_ros.graph.description import (
    evaluation_graph,
    GraphDescription,
    GraphOptions,
    NodeDescription,
)
from inril_ros.graph.domain import domain_environment
from inril_ros.graph.supervisor import node_command, Supervisor
from inril_ros.learning.policies.artifact import save_policy
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.nodes.base.message_types import message_type
from inril_ros.nodes.clients.conductor import Conductor
from inril_ros.robot.contract.contract import load_contract
from inril_ros.robot.episode import Purpose

SCRIPTS = Path(__file__).resolve().parent
WARM_UP = 1.0  # [s] at the start of each block, not counted
_PATIENCE = 300.0  # [s] for processes that start on a saturated machine
_PRIORITY = 50  # ros2_control's
_CHUNK = 16  # steps per inference, as diffusion policies have them


class Blocks:
    """The common part of all blocks: folder, model, domain and load.

    Args:
        folder: Temporary folder.
        domain_id: ROS domain.
        lines: Log lines per second in the sending process.
    """

    def __init__(self, folder: Path, domain_id: int, lines: float) -> None:
        self.folder, self.domain_id, self.lines = folder, domain_id, lines
        self.run_id = str(uuid4())
        self.model = folder / 'model'

    def contract(self, rate: float, seconds: float) -> Path:
        """Write the mock arm's contract for a rate and a length of episodes; return its path."""
        shipped = find_configuration('robots', 'mock_arm')
        data = yaml.safe_load(shipped.read_text(encoding='utf-8'))
        data.update(control_rate=rate, cameras={})
        data['kinematics']['urdf'] = str((shipped.parent / data['kinematics']['urdf']).resolve())
        data['episode']['time_limit'] = WARM_UP + seconds + 1.0
        # Late commands must be measured; a latched hold would end the block.
        data['safety'] = {'latch_after': 1e6, 'max_policy_age': 1e3}
        for observation in data['observations'].values():
            observation.pop('frozen_after', None)
        path = self.folder / f'contract_{rate:g}.yaml'
        path.write_text(yaml.safe_dump(data, sort_keys=False), encoding='utf-8')
        if not self.model.exists():
            contract = load_contract(path)
            torch.manual_seed(0)
            save_policy(self.model, BestOfN(ModelConfig(
                contract.observation_size, contract.action_size, chunk_length=_CHUNK)))
        return path

    def start_load(self, stack: ExitStack, number: int, push_every: float, niceness: int,
                   rate: float, seconds: float) -> None:
        """Start fine-tuning sessions; the first one sends weights. They end with the stack.

        Args:
            stack: Stack that ends them.
            number: Number of sessions.
            push_every: Time between two versions [s].
            niceness: Niceness of the sessions.
            rate: Rate of the contract that the weights are for [Hz].
            seconds: Length of its blocks [s].

        Raises:
            TimeoutError: A session doesn't begin to learn.
        """
        contract = self.contract(rate, seconds)
        environment = {**os.environ, **domain_environment(self.domain_id), 'OMP_NUM_THREADS': '1',
                       'PYTHONPATH': os.pathsep.join(filter(None, [
                           str(SCRIPTS.parents[1]), os.environ.get('PYTHONPATH')]))}
        for index in range(number):
            log = stack.enter_context((self.folder / f'load_{index}.log').open('w'))
            ready = self.folder / f'load_{index}.ready'
            ready.unlink(missing_ok=True)
            process = subprocess.Popen(
                # They must end even if this process is killed.
                ['setpriv', '--pdeathsig', 'KILL', '--', 'nice', '-n', str(niceness),
                 sys.executable, str(SCRIPTS / 'timing_load.py'),
                 str(contract), str(self.model), self.run_id, str(0.0 if index else push_every),
                 str(ready)],
                env=environment, stdout=log, stderr=subprocess.STDOUT)
            stack.callback(process.wait)
            stack.callback(process.kill)
        for index in range(number):
            self._wait((self.folder / f'load_{index}.ready').exists, f'load_{index} to learn')

    def block(self, way: str, rate: float, seconds: float) -> Block:
        """Run one block.

        Raises:
            NodeDied: A process ended.
            GraphStalled: The graph didn't come up.
        """
        contract = self.contract(rate, seconds)
        graph = self._graph(way, contract)
        sender = 'actuation_node' if way.startswith('actuation') else 'commander'
        pauses = self.folder / 'pauses.json'
        pauses.unlink(missing_ok=True)
        arm = load_contract(contract).actions['arm_position']
        nodes = Supervisor(graph, self.folder / 'logs', domain_id=self.domain_id, quiet=True,
                           command=self._command(sender, pauses))
        listener = Listener(self.domain_id, message_type(arm.type), arm.topic)
        try:
            with nodes:
                listener.watch(nodes.process_id(sender))
                begin = self._drive(way, nodes, listener, seconds)
        finally:
            listener.close()
        end = begin + round(1e9 * seconds)
        collected = json.loads(pauses.read_text()) if pauses.exists() else []
        return Block(way, rate, listener.sent(begin, end),
                     tuple((start, stop) for start, stop in collected if begin <= stop <= end),
                     listener.weights(begin, end),
                     listener.held if way.startswith('actuation') else -1, listener.acting)

    def _wait(self, done: Callable[[], Any], what: str) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not done():
            time.sleep(0.05)
            if time.monotonic() > deadline:
                raise TimeoutError(f'waited {_PATIENCE:g} s for {what}; logs in {self.folder}')

    def _graph(self, way: str, contract: Path) -> GraphDescription:
        graph = evaluation_graph(GraphOptions(
            contract=str(contract), run_id=self.run_id, mock_arm=True, model=str(self.model)))
        if not way.startswith('actuation'):
            return GraphDescription(way, (graph.node('mock_arm_node'), NodeDescription(
                'commander', 'commander', parameters={
                    'contract': str(contract), 'model': str(self.model), 'way': way,
                    'run_id': self.run_id})))
        priority = {'realtime_priority': _PRIORITY} if way == 'actuation_fifo' else {}
        return GraphDescription(way, tuple(
            NodeDescription(node.executable, node.name, parameters={
                **node.parameters, **(priority if node.name == 'actuation_node' else {})})
            for node in graph.nodes))

    def _command(self, sender: str, pauses: Path) -> Callable[[NodeDescription, str], list[str]]:
        """Return the function that starts nodes, the sending one under the probe."""
        def command(node: NodeDescription, log_level: str) -> list[str]:
            plain = node_command(node, log_level)
            if node.name != sender:
                return plain
            module = 'timing_baselines' if sender == 'commander' else plain[2]
            return [plain[0], str(SCRIPTS / 'timing_probe.py'), str(pauses), str(self.lines),
                    module, *plain[3:]]
        return command

    def _drive(self, way: str, nodes: Supervisor, listener: Listener, seconds: float) -> int:
        """Run a block to its end; return the time of its first counted command [ns]."""
        if way.startswith('actuation'):
            with Conductor(self.run_id, 'timing', self.domain_id, check=nodes.check) as conductor:
                conductor.wait_ready(('mock_arm_node', 'actuation_node', 'policy_node'), _PATIENCE)
                conductor.run_episode(str(uuid4()), Purpose.EVALUATION, seed=0)
            return listener.started + round(1e9 * WARM_UP)
        self._wait(lambda: nodes.check() or listener.received, f'a command of {way}')
        ends = time.monotonic() + WARM_UP + seconds + 1.0
        while time.monotonic() < ends:
            nodes.check()
            time.sleep(0.05)
        return listener.first + round(1e9 * WARM_UP)


def may_use_fifo() -> bool:
    """Return whether SCHED_FIFO is allowed; a thread that ends afterwards tries it."""
    allowed: list[bool] = []

    def attempt() -> None:
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
            allowed.append(True)

    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join()
    return bool(allowed)
