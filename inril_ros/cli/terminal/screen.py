# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The terminal of a run: a panel with the robot's state, and keys that are answered.

In a log file there are neither: there lines tell of waits. The person's end of the graph is apart
from what drives the run, so the e-stop works whatever that waits for.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, ExitStack
import os
from queue import SimpleQueue
import sys
import threading
import time
from typing import Any

from rich.text import Text

from inril_ros.cli.run.progress import Reporter
from inril_ros.cli.terminal.panel import help_lines, printable, RobotPanel
from inril_ros.cli.terminal.typed_keys import keys_in
from inril_ros.nodes.clients.person_client import PersonClient
from inril_ros.nodes.clients.person_wait import ToldWaits, wait_in_episode
from inril_ros.nodes.person_view.key_rules import refusal
from inril_ros.nodes.person_view.robot_seen import RobotSeen
from inril_ros.nodes.person_view.view import View, view_of
from inril_ros.nodes.teleop.terminal import in_foreground, KeyTerminal
from inril_ros.robot.teleop.person_keys import BY_KEY, BY_MEANING, PersonKey

_REPEATED = 0.4  # [s] a held key is repeated sooner
_POLL = 0.1  # [s] longest wait for a key
_SHOW_CURSOR = b'\x1b[?25h'


class Screen:
    """What one robot's nodes have said, and what a person has pressed.

    Args:
        title: Robot and stage.
        time_limit: [s] Longest duration of an episode.
        tell: Prints a line, which has a style.
        call: Calls the service of a key.
        person_starts: Whether a person begins demonstrations by a key.
        namespace: Namespace of the robot.
        clock: Returns the time [s].

    Attributes:
        robot: What its nodes have said.
    """

    def __init__(
        self, title: str, time_limit: float, tell: Callable[[str, str], None],
        call: Callable[[PersonKey], None] = lambda key: None, person_starts: bool = False,
        namespace: str = '', clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._title = title
        self._time_limit = time_limit
        self._tell = tell
        self.call = call
        self._person_starts = person_starts
        self._namespace = namespace
        self._clock = clock
        self.robot = RobotSeen(clock)
        self._pressed, self._pressed_at = '', clock()  # the last key

    def view(self) -> View:
        """Return what is shown now."""
        return view_of(self._title, self.robot.statuses, self.robot.episodes, self._time_limit,
                       self._person_starts, self._namespace)

    def press(self, text: bytes) -> None:
        """Take what the terminal sent; each key is answered."""
        keys, left_out = keys_in(text)
        if left_out:
            self._tell(left_out, 'yellow')
        for key in keys:
            self._press(key)

    def answered(self, key: PersonKey, done: bool, text: str) -> None:
        """Tell the answer to a key."""
        style = 'green' if done else 'red'
        self._tell(f'{key.key} ({key.says}): {"" if done else "not done: "}{text}', style)

    def _press(self, name: str) -> None:
        key, now = BY_KEY.get(name), self._clock()
        held = name == self._pressed and now - self._pressed_at < _REPEATED
        self._pressed, self._pressed_at = name, now
        if held and name != BY_MEANING['stop'].key:
            return
        if key is None:
            self._tell(f'{name}: not a key of this terminal; ? shows the keys', 'yellow')
        elif not key.service:
            for line in help_lines():
                self._tell(line, 'cyan')
        else:
            statuses = self.robot.statuses
            why_not = refusal(key.meaning, statuses.actuation, statuses.silent)
            if why_not:
                self.answered(key, False, why_not)
            else:
                self.call(key)


@contextmanager
def watched(
    reporter: Reporter, title: str, time_limit: float, domain_id: int | None = None,
    namespace: str = '', person_starts: bool = False, tells_waits: bool = False,
) -> Iterator[None]:
    """Show a robot's state while its graph runs, and take a person's keys.

    Args:
        reporter: Where to show it; one that writes for a program shows nothing.
        title: See Screen.
        time_limit: See Screen.
        domain_id: Of the robot's graph; see GraphClient.
        namespace: Of the robot; see GraphClient.
        person_starts: See Screen.
        tells_waits: Whether a log file has lines about waits, because no conductor writes them.
    """
    live = reporter.is_live
    if reporter.json_output or not (live or tells_waits):
        yield
        return
    answers: SimpleQueue[Text | None] = SimpleQueue()
    screen = Screen(
        title, time_limit,
        lambda text, style: answers.put(Text(f'  {printable(text)}', style=style)),
        person_starts=person_starts, namespace=namespace)
    waits = ToldWaits(lambda text: reporter.say(printable(text)))

    def heard(status: Any) -> None:
        screen.robot.listen(status)
        if not live:
            waits.note(wait_in_episode(screen.robot.statuses.actuation, namespace))

    client = PersonClient(
        domain_id, namespace, heard, screen.robot.on_event, screen.robot.on_conductor,
        screen.answered,
        lambda error: reporter.say(f'the terminal missed something: {error!r}'))
    screen.call = client.call
    with ExitStack() as stack:
        stack.enter_context(client)
        if live:
            stack.enter_context(_printing(reporter, answers))
            terminal = _keys(reporter)
            stack.enter_context(reporter.shown(RobotPanel(screen.view, terminal is not None)))
            if terminal is not None:
                stack.callback(terminal.close)
                stack.enter_context(_reading(terminal, screen))
        yield


def _keys(reporter: Reporter) -> KeyTerminal | None:
    """Return the keys of this terminal; None if it has none, or another process has them."""
    if sys.stdin is None or not sys.stdin.isatty() or not in_foreground(sys.stdin.fileno()):
        return None
    output = reporter.console.file.fileno()
    # Not by rich: a handler of signals may interrupt it anywhere.
    return KeyTerminal(left=lambda: os.write(output, _SHOW_CURSOR))


@contextmanager
def _reading(terminal: KeyTerminal, screen: Screen) -> Iterator[None]:
    """Take the keys of a terminal in a thread of its own."""
    ending = threading.Event()

    def read() -> None:
        while not ending.is_set():
            text = terminal.read(_POLL)
            if text:
                screen.press(text)

    thread = threading.Thread(target=read, name='keys', daemon=True)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()


@contextmanager
def _printing(reporter: Reporter, lines: 'SimpleQueue[Text | None]') -> Iterator[None]:
    """Print lines in a thread of its own: a terminal that is stopped by Ctrl-S stops no key."""
    def show() -> None:
        while (line := lines.get()) is not None:
            reporter.console.print(line)
            reporter.refresh()

    thread = threading.Thread(target=show, name='answers', daemon=True)
    thread.start()
    try:
        yield
    finally:
        lines.put(None)
        thread.join()
