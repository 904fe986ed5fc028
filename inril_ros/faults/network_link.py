# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Two network namespaces as two machines, and a cable between them that loses and delays.

The cable is a thread that carries Ethernet frames from one TAP device to the other. The kernel's
netem would do the same where it exists; this works wherever there are namespaces and TAP devices,
and draws its losses from a seed. Nothing leaves the two namespaces.
"""

from collections.abc import Iterator
from contextlib import contextmanager
import ctypes
import fcntl
import heapq
import os
from pathlib import Path
import random
import select
import struct
import subprocess
import threading
import time
from types import TracebackType

from inril_ros.faults.fault import CannotBeDone

_TUN = Path('/dev/net/tun')
_SET_INTERFACE, _TAP, _PLAIN = 0x400454CA, 0x0002, 0x1000  # TUNSETIFF, IFF_TAP, IFF_NO_PI
_NETWORK_NAMESPACE = 0x40000000  # CLONE_NEWNET
_FRAME = 65536
_QUEUE = 10_000  # frames: a version of the weights is sent in one burst
_NETWORK = '10.77.0'


class NetworkLink:
    """The cable, as a context manager; the namespaces exist inside it.

    Attributes:
        robot, learner: Names of the namespaces.
        cut: Whether nothing passes.
        loss: Share of frames that is lost.
        delay: [s] Delay of each frame.

    Raises:
        CannotBeDone: On entering, if this machine doesn't allow it.
    """

    def __init__(self) -> None:
        self.robot, self.learner = f'robot_{os.getpid()}', f'learner_{os.getpid()}'
        self.cut, self.loss, self.delay = False, 0.0, 0.0
        self._random = random.Random(0)
        self._ends: list[int] = []
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._carry, daemon=True)

    def __enter__(self) -> 'NetworkLink':
        try:
            for index, namespace in enumerate((self.robot, self.learner)):
                _ip('netns', 'add', namespace)
                self._ends.append(self._plug(namespace, index))
        except (OSError, subprocess.CalledProcessError) as error:
            self._remove()
            said = getattr(error, 'stderr', '') or str(error)
            raise CannotBeDone(f'no network namespaces here (root may): {said.strip()}') from error
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._closing.set()
        self._thread.join()
        self._remove()

    def _plug(self, namespace: str, index: int) -> int:
        """Make a TAP device in a namespace; return the descriptor of its other end."""
        name = f'tap{index}_{os.getpid() % 100_000}'
        end = os.open(_TUN, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
        self._ends.append(end)
        fcntl.ioctl(end, _SET_INTERFACE, struct.pack('16sH', name.encode(), _TAP | _PLAIN))
        self._ends.pop()
        _ip('link', 'set', name, 'netns', namespace)
        _ip('-n', namespace, 'link', 'set', 'lo', 'up')
        _ip('-n', namespace, 'addr', 'add', f'{_NETWORK}.{index + 1}/24', 'dev', name)
        _ip('-n', namespace, 'link', 'set', name, 'txqueuelen', str(_QUEUE), 'multicast', 'on',
            'up')
        _ip('-n', namespace, 'route', 'add', '224.0.0.0/4', 'dev', name)
        return end

    def _remove(self) -> None:
        for end in self._ends:
            os.close(end)
        self._ends.clear()
        for namespace in (self.robot, self.learner):
            subprocess.run(['ip', 'netns', 'del', namespace], capture_output=True, check=False)

    def _carry(self) -> None:
        """Carry frames until the link is closed."""
        waiting: list[tuple[float, int, int, bytes]] = []
        count = 0
        while not self._closing.is_set():
            patience = 0.1
            if waiting:
                patience = min(patience, max(0.0, waiting[0][0] - time.monotonic()))
            readable, _, _ = select.select(self._ends, [], [], patience)
            for end in readable:
                other = self._ends[1 - self._ends.index(end)]
                for frame in _frames(end):
                    if self.cut or self._random.random() < self.loss:
                        continue
                    count += 1
                    heapq.heappush(
                        waiting, (time.monotonic() + self.delay, count, other, frame))
            while waiting and waiting[0][0] <= time.monotonic():
                _, _, other, frame = heapq.heappop(waiting)
                try:
                    os.write(other, frame)
                except OSError:  # its queue is full: lost, as on a real cable
                    continue


def _frames(end: int) -> Iterator[bytes]:
    """Yield waiting frames, but only so many that the other end gets its turn too."""
    for _ in range(64):
        try:
            yield os.read(end, _FRAME)
        except BlockingIOError:
            return


def _ip(*arguments: str) -> None:
    subprocess.run(['ip', *arguments], capture_output=True, text=True, check=True)


def _enter(namespace: int) -> None:
    """Move this thread to a network namespace, as ``os.setns`` does from Python 3.12 on."""
    if ctypes.CDLL(None, use_errno=True).setns(namespace, _NETWORK_NAMESPACE):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


@contextmanager
def inside(namespace: str) -> Iterator[None]:
    """Run this thread, and the threads and processes that it starts, in a namespace."""
    home = os.open('/proc/thread-self/ns/net', os.O_RDONLY | os.O_CLOEXEC)
    try:
        namespace_descriptor = os.open(f'/run/netns/{namespace}', os.O_RDONLY | os.O_CLOEXEC)
        try:
            _enter(namespace_descriptor)
        finally:
            os.close(namespace_descriptor)
        try:
            yield
        finally:
            _enter(home)
    finally:
        os.close(home)
