# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The processes that idle_benchmark.py measures, each graph in a domain of its own."""

from contextlib import ExitStack
import os
from pathlib import Path
import pty
import signal
import subprocess
import sys
from threading import Thread
import time
from uuid import uuid4

from inril_ros.msg import EpisodeEvent, EpisodeRequest
import rclpy
from rclpy.context import Context
from rclpy.signals import SignalHandlerOptions
import yaml

from inril_ros.graph.domain import domain_environment, reserve_domain, share_domain
from inril_ros.learning.policies.artifact import save_policy
from inril_ros.learning.policies.best_of_n import BestOfN
from inril_ros.learning.policies.model_config import ModelConfig
from inril_ros.nodes.base import qos
from inril_ros.robot.contract.contract import load_contract

_ROBOTS = Path(__file__).resolve().parents[1] / 'config' / 'robots'
_READY = 120.0  # [s] in which all processes are ready
_LONG = 3600.0  # [s]
_RUN = 'idle'


def write_model(folder: Path) -> None:
    """Write an untrained policy of the default sizes."""
    contract = load_contract(_ROBOTS / 'mock_arm.yaml')
    save_policy(folder, BestOfN(ModelConfig(
        observation_size=contract.observation_size, action_size=contract.action_size)))


class _Graph:
    """Processes of one version of the package, in a domain of their own.

    Args:
        tree: The repository of the version.
        folder: Folder that is made for their files.
        model: Folder of a policy.
        rate: Control rate [Hz].
    """

    def __init__(self, tree: Path, folder: Path, model: Path, rate: float) -> None:
        self._tree, self._folder, self._model, self._rate = tree, folder, model, rate
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._ready: dict[str, str] = {}
        self._stack = ExitStack()

    def __enter__(self) -> '_Graph':
        self._folder.mkdir()
        contract = yaml.safe_load((_ROBOTS / 'mock_arm.yaml').read_text(encoding='utf-8'))
        contract['control_rate'] = self._rate
        contract['kinematics']['urdf'] = str(_ROBOTS / 'mock_arm' / 'mock_arm.urdf')
        contract['episode']['time_limit'] = _LONG
        (self._folder / 'arm.yaml').write_text(yaml.safe_dump(contract), encoding='utf-8')
        with reserve_domain() as self._domain:
            pass  # a free one; `inril` shares the domain of a real arm with others
        self._stack.enter_context(share_domain(self._domain))
        self._environment = {
            **os.environ, **domain_environment(self._domain), 'PYTHONPATH': str(self._tree),
            'OMP_NUM_THREADS': '1', 'TERM': 'xterm'}
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self) -> None:
        raise NotImplementedError

    def _log(self, name: str) -> Path:
        return self._folder / f'{name}.log'

    def _node(self, name: str, *own: str) -> None:
        """Start a node with parameters."""
        given = (f'contract:={self._folder}/arm.yaml', f'run_id:={_RUN}', 'autostart:=true', *own)
        arguments = [word for each in given for word in ('-p', each)]
        self._ready[name] = ': active'
        with self._log(name).open('wb') as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, '-m', f'inril_ros.nodes.{name}', '--ros-args', *arguments],
                env=self._environment, cwd=self._tree, stdout=log, stderr=subprocess.STDOUT)

    def _command(self, name: str, ready: str, *arguments: str) -> None:
        """Start `inril` in a terminal of its own; it is ready when a text is on the screen."""
        master, slave = pty.openpty()
        self._ready[name] = ready
        self._processes[name] = subprocess.Popen(
            [sys.executable, '-m', 'inril_ros.cli.main', *arguments], env=self._environment,
            cwd=self._tree, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
        os.close(slave)

        def follow() -> None:
            with open(master, 'rb', buffering=0) as screen, open(
                    self._log(name), 'wb', buffering=0) as log:
                try:
                    while text := screen.read(65536):
                        log.write(text)
                except OSError:  # the process has ended
                    pass

        self._log(name).touch()
        Thread(target=follow, daemon=True).start()

    def wait_ready(self) -> None:
        """Wait until all processes are ready.

        Raises:
            RuntimeError: One ended, or it takes too long.
        """
        end = time.monotonic() + _READY
        while waiting := [name for name, text in self._ready.items() if text not in
                          self._log(name).read_text(encoding='utf-8', errors='replace')]:
            for name, process in self._processes.items():
                if process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f'{self._tree}: {waiting} not ready:\n'
                                       f'{self._log(name).read_text(encoding="utf-8")}')
            time.sleep(0.2)

    def cpu(self) -> dict[str, float]:
        """Return the CPU time of each process [s]."""
        found = {}
        for name, process in self._processes.items():
            fields = Path(f'/proc/{process.pid}/stat').read_text().rpartition(')')[2].split()
            found[name] = (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')
        return found

    def close(self) -> None:
        """End the processes."""
        for process in reversed(self._processes.values()):
            process.send_signal(signal.SIGINT)
            try:
                process.wait(30.0)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()
        self._stack.close()


class RobotGraph(_Graph):
    """Mock arm, actuation, policy and recorder."""

    def _start(self) -> None:
        self._node('mock_arm_node', f'rate:={self._rate}')
        self._node('actuation_node', 'enable_on_activate:=true')
        # Nobody acknowledges what is sent: nothing is sent again meanwhile.
        self._node('recorder_node', f'journal:={self._folder}/journal', f'resend:={600.0}')
        self._node('policy_node', f'model:={self._model}')

    def begin_episode(self) -> None:
        """Have the policy drive from now on.

        Raises:
            RuntimeError: It doesn't.
        """
        context = Context()
        rclpy.init(context=context, domain_id=self._domain,
                   signal_handler_options=SignalHandlerOptions.NO)
        node = rclpy.create_node('person', context=context, enable_rosout=False)
        executor = rclpy.executors.SingleThreadedExecutor(context=context)
        executor.add_node(node)
        events: list[EpisodeEvent] = []
        node.create_subscription(EpisodeEvent, 'episode/event', events.append, qos.EVENT)
        requests = node.create_publisher(EpisodeRequest, 'episode/request', qos.EVENT)
        end, asked = time.monotonic() + _READY, False
        while not any(event.event == EpisodeEvent.STARTED for event in events):
            if not asked and requests.get_subscription_count() and node.count_publishers(
                    'episode/event'):
                requests.publish(EpisodeRequest(
                    run_id=_RUN, episode_id=str(uuid4()), purpose=EpisodeRequest.ROLLOUT))
                asked = True
            executor.spin_once(timeout_sec=0.1)
            if time.monotonic() > end:
                raise RuntimeError(f'{self._tree}: no episode began')
        executor.shutdown()
        node.destroy_node()
        context.try_shutdown()


class PersonsGraph(_Graph):
    """`inril record` and `inril teleop` beside a mock arm, without a person at the keys."""

    def _start(self) -> None:
        self._node('mock_arm_node', f'rate:={self._rate}')
        contract = f'{self._folder}/arm.yaml'
        self._command('inril teleop', 'e-stop', 'teleop', '--contract', contract)
        self._command('inril record', 'starting ', 'record', f'{self._folder}/run',
                      '--task', 'rest', '--contract', contract, '--simulation', '')

    def cpu(self) -> dict[str, float]:
        """Return the CPU time of the two commands [s], without the nodes that they started."""
        return {name: cpu for name, cpu in super().cpu().items() if name.startswith('inril')}
