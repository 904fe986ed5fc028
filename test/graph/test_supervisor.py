# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The supervisor with real small processes: deaths are reported, no process is left behind."""

from io import StringIO
import os
from pathlib import Path
import signal
import subprocess
import sys
import time

import pytest
from rich.console import Console

from inril_ros.graph.description import GraphDescription, NodeDescription
from inril_ros.graph.supervisor import node_command, NodeDied, Supervisor

LIMIT = 20.0  # [s] a test gives up after it; far above what is needed

# A process started in the background may have inherited an ignored SIGINT.
POLITE = 'import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n'
WAITS = POLITE + 'print("ready"); signal.pause()'
STUBBORN = ('import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); print("ready")\n'
            'while True: signal.pause()')
DEAF = ('import signal; [signal.signal(s, signal.SIG_IGN) for s in (signal.SIGINT, '
        'signal.SIGTERM)]; print("ready")\nwhile True: signal.pause()')
FAILS = 'for i in range(40): print("line", i)\nraise SystemExit(3)'
CHATTY = 'import sys\nwhile True: sys.stdout.write("x" * 99 + "\\n")'
PARENT = ('import subprocess, sys, signal\n'
          'process = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])\n'
          'print("child", process.pid)\nsignal.pause()')


def supervise(tmp_path, grace=LIMIT, respawn=(), console=None, environment=None, **programs):
    """Yield a supervisor whose nodes run the given programs."""
    graph = GraphDescription('test', tuple(
        NodeDescription(name, name, respawn=name in respawn) for name in programs))
    return Supervisor(
        graph, tmp_path / 'logs', quiet=console is None, console=console, grace=grace,
        environment=environment,
        command=lambda node, level: [sys.executable, '-c', programs[node.name]])


def until(condition, what):
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline, f'waited in vain: {what}'
        time.sleep(0.01)


def running(pid):
    """Return whether a process runs; a zombie does not."""
    try:
        return Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0] not in 'ZX'
    except FileNotFoundError:
        return False


def wrote(supervisor, name, text='ready'):
    """Return whether a node wrote a line; the first line, its command, holds the program."""
    path = supervisor.log_path(name)
    return path.exists() and text in [
        line.split(' ')[0] for line in path.read_text().splitlines()]


def died(supervisor):
    """Wait for the death of a node, or of several, and return it."""
    deaths = []

    def check():
        try:
            supervisor.check()
        except NodeDied as death:
            deaths.append(death)
        return deaths
    until(check, 'no node died')
    return deaths[0]


def test_a_death_is_reported_with_name_exit_code_log_and_last_lines(tmp_path):
    with supervise(tmp_path, good=WAITS, bad=FAILS) as supervisor:
        death = died(supervisor)
    [bad] = death.deaths
    assert (bad.name, bad.exit_code) == ('bad', 3)
    assert bad.log == supervisor.log_path('bad')
    assert bad.lines == [f'line {i}' for i in range(25, 40)]
    assert 'bad ended with exit code 3' in str(death)
    assert 'line 39' in str(death) and str(bad.log) in str(death)


def test_a_death_by_a_signal_is_reported_with_its_name(tmp_path):
    with supervise(tmp_path, node=WAITS) as supervisor:
        until(lambda: wrote(supervisor, 'node'), 'node did not start')
        os.kill(supervisor.process_id('node'), signal.SIGSEGV)
        death = died(supervisor)
    assert 'node was ended by SIGSEGV' in str(death)


def test_no_error_while_all_run(tmp_path):
    with supervise(tmp_path, first=WAITS, second=WAITS) as supervisor:
        until(lambda: wrote(supervisor, 'first') and wrote(supervisor, 'second'), 'no start')
        supervisor.check()
        assert running(supervisor.process_id('first'))


def test_the_context_leaves_no_process_after_an_exception(tmp_path):
    with pytest.raises(ZeroDivisionError), supervise(tmp_path, a=WAITS, b=WAITS) as supervisor:
        until(lambda: wrote(supervisor, 'a') and wrote(supervisor, 'b'), 'no start')
        ids = [supervisor.process_id(name) for name in 'ab']
        raise ZeroDivisionError
    assert not any(map(running, ids))


@pytest.mark.parametrize(('program', 'grace'), [(STUBBORN, 0.2), (DEAF, 0.2)])
def test_a_node_that_ignores_signals_is_killed(tmp_path, program, grace):
    with supervise(tmp_path, grace=grace, node=program) as supervisor:
        until(lambda: wrote(supervisor, 'node'), 'node did not start')
        pid = supervisor.process_id('node')
    assert not running(pid)


def test_a_node_ends_on_sigint_and_its_last_output_is_kept(tmp_path):
    program = POLITE + ('print("ready")\ntry: signal.pause()\n'
                        'except KeyboardInterrupt: print("goodbye")')
    with supervise(tmp_path, node=program) as supervisor:
        until(lambda: wrote(supervisor, 'node'), 'node did not start')
    assert wrote(supervisor, 'node', 'goodbye')


def test_the_children_of_a_node_end_with_it(tmp_path):
    with supervise(tmp_path, node=PARENT) as supervisor:
        until(lambda: wrote(supervisor, 'node', 'child'), 'node did not start')
        child = int(supervisor.log_path('node').read_text().split()[-1])
        os.kill(supervisor.process_id('node'), signal.SIGKILL)
        died(supervisor)
        until(lambda: not running(child), 'child goes on')


def test_stop_can_be_called_twice_and_start_after_it(tmp_path):
    supervisor = supervise(tmp_path, grace=0.2, node=WAITS)
    supervisor.stop()
    for _ in range(2):
        supervisor.start()
        with pytest.raises(RuntimeError, match='started already'):
            supervisor.start()
        pid = supervisor.process_id('node')
        supervisor.stop()
        supervisor.stop()
        assert not running(pid)
    supervisor.check()


def test_a_node_can_be_restarted(tmp_path):
    with supervise(tmp_path, grace=0.2, node=WAITS) as supervisor:
        first = supervisor.process_id('node')
        supervisor.restart('node')
        assert supervisor.process_id('node') != first
        assert not running(first)
        supervisor.check()


def test_a_node_with_respawn_comes_back_until_it_has_died_too_often(tmp_path):
    with supervise(tmp_path, respawn=('node',), node=FAILS) as supervisor:
        death = died(supervisor)
    assert death.deaths[0].exit_code == 3
    commands = [line for line in supervisor.log_path('node').read_text().splitlines()
                if line.startswith('$ ')]
    assert len(commands) == 4  # once, and three times more


@pytest.mark.parametrize('respawn', [(), ('third',)])
def test_all_nodes_that_died_are_named(tmp_path, respawn):
    names = ('first', 'second', 'third')
    with supervise(tmp_path, respawn=respawn, **dict.fromkeys(names, WAITS)) as supervisor:
        until(lambda: all(wrote(supervisor, name) for name in names), 'no start')
        for name in names[1:]:
            os.kill(supervisor.process_id(name), signal.SIGKILL)
        until(lambda: not any(running(supervisor.process_id(name)) for name in names[1:]), 'end')
        death = died(supervisor)
    assert [each.name for each in death.deaths] == ['second', 'third']
    assert 'second was ended by SIGKILL' in str(death)
    assert 'third was ended by SIGKILL' in str(death)


def test_a_node_that_ends_a_moment_after_another_is_named_too(tmp_path):
    later = POLITE + 'import time; time.sleep(0.2); raise SystemExit(4)'
    with supervise(tmp_path, first=WAITS, second=later) as supervisor:
        supervisor._gather = LIMIT  # until all have ended
        until(lambda: wrote(supervisor, 'first'), 'no start')
        os.kill(supervisor.process_id('first'), signal.SIGKILL)
        death = died(supervisor)
    assert [(each.name, each.exit_code) for each in death.deaths] == [('first', -9), ('second', 4)]


def test_a_restart_is_told_and_happens_only_while_it_is_allowed(tmp_path):
    with supervise(tmp_path, respawn=('node',), node=WAITS) as supervisor:
        until(lambda: wrote(supervisor, 'node'), 'no start')
        first = supervisor.process_id('node')
        os.kill(first, signal.SIGKILL)
        until(lambda: not running(first), 'no end')
        [death] = supervisor.check()
        assert (death.name, death.exit_code) == ('node', -9)
        second = supervisor.process_id('node')
        assert second != first and running(second) and supervisor.check() == []
        supervisor.respawning = False
        os.kill(second, signal.SIGKILL)
        assert died(supervisor).deaths[0].how == 'node was ended by SIGKILL'


def test_the_cpu_time_of_a_node_shows_that_it_works(tmp_path):
    with supervise(tmp_path, node='print("ready")\nwhile True: pass') as supervisor:
        until(lambda: supervisor.cpu_seconds(['node']) > 0.1, 'no work')
        assert supervisor.cpu_seconds([]) == 0.0


def test_a_flood_of_output_blocks_neither_side(tmp_path):
    console = Console(file=StringIO(), width=80)
    with supervise(tmp_path, console=console, chatty=CHATTY) as supervisor:
        log = supervisor.log_path('chatty')
        until(lambda: log.exists() and log.stat().st_size > 20_000_000, 'the node is held up')
        supervisor.check()
    shown = console.file.getvalue()
    assert 'bytes not shown, see' in shown and len(shown) < log.stat().st_size


def test_output_is_shown_with_the_name_and_kept(tmp_path):
    console = Console(file=StringIO(), width=40)
    long = 'y' * 200
    program = f'import sys; print("to stdout [bold]"); sys.stderr.write("{long}")'
    with supervise(tmp_path, console=console, left=program, right=WAITS) as supervisor:
        died(supervisor)
        until(lambda: wrote(supervisor, 'right'), 'right did not start')
    shown = console.file.getvalue().splitlines()
    assert ' left to stdout [bold]' in shown  # unchanged: not parsed as markup
    assert f' left {long}' in shown  # neither wrapped nor lost without a newline
    assert 'right ready' in shown
    assert f'to stdout [bold]\n{long}' in supervisor.log_path('left').read_text()


def test_an_old_log_is_continued_and_not_shown_again(tmp_path):
    (tmp_path / 'logs').mkdir()
    (tmp_path / 'logs' / 'node.log').write_text('from before\n')
    console = Console(file=StringIO())
    with supervise(tmp_path, console=console, node=WAITS) as supervisor:
        until(lambda: wrote(supervisor, 'node'), 'node did not start')
    assert supervisor.log_path('node').read_text().startswith('from before\n')
    assert 'from before' not in console.file.getvalue()
    assert 'ready' in console.file.getvalue()


def test_nodes_get_their_environment_and_niceness(tmp_path):
    program = ('import os; print("threads", os.environ["OMP_NUM_THREADS"]); '
               'print("extra", os.environ["EXTRA"]); '
               'print("domain", os.environ["ROS_DOMAIN_ID"], '
               'os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"]); print("nice", os.nice(0))')
    graph = GraphDescription('test', (NodeDescription('node', 'node', niceness=5),))
    before = os.nice(0)
    with Supervisor(graph, tmp_path, domain_id=77, quiet=True, environment={'EXTRA': 'yes'},
                    command=lambda node, level: [sys.executable, '-c', program]) as supervisor:
        lines = died(supervisor).deaths[0].lines
    assert lines[-4:] == ['threads 1', 'extra yes', 'domain 77 LOCALHOST',
                          f'nice {min(19, before + 5)}']


def test_a_node_that_cannot_be_started_leaves_none_of_the_others(tmp_path):
    pids = tmp_path / 'pid'
    program = (f'import os, signal; open({str(pids)!r}, "w").write(str(os.getpid()))\n'
               'signal.pause()')

    def command(node, level):
        if node.name == 'second':
            until(lambda: pids.exists() and pids.read_text(), 'first did not start')
            raise OSError('no such thing')
        return [sys.executable, '-c', program]
    graph = GraphDescription(
        'test', (NodeDescription('first', 'first'), NodeDescription('second', 'second')))
    with pytest.raises(OSError, match='no such thing'):
        Supervisor(graph, tmp_path, quiet=True, command=command).start()
    assert not running(int(pids.read_text()))


def test_the_command_of_a_node_runs_its_module_with_this_interpreter():
    node = NodeDescription('learner_node', 'learner', parameters={'seed': 3})
    command = node_command(node, 'debug')
    assert command[:3] == [sys.executable, '-m', 'inril_ros.nodes.learner_node']
    assert command[3:] == ['--ros-args', '-r', '__node:=learner', '-p', 'seed:=3',
                           '--enclave', '/inril/learner',
                           '--log-level', 'debug', '--disable-external-lib-logs']


STAGE = """
import signal, sys, time
from inril_ros.graph.description import GraphDescription, NodeDescription
from inril_ros.graph.supervisor import Supervisor
program = "import signal, os; print('pid', os.getpid()); signal.pause()"
graph = GraphDescription('test', tuple(NodeDescription(n, n) for n in ('a', 'b')))
signal.signal(signal.SIGINT, signal.default_int_handler)
with Supervisor(graph, sys.argv[1], quiet=True,
                command=lambda node, level: [sys.executable, '-c', program]):
    print('started', flush=True)
    while True:
        time.sleep(1.0)
"""


@pytest.mark.parametrize('blow', [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nodes_end_with_the_supervising_process_however_it_ends(tmp_path, blow):
    root = Path(__file__).parents[2]
    parent = subprocess.Popen([sys.executable, '-c', STAGE, str(tmp_path)], cwd=root,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert parent.stdout.readline() == 'started\n'
        logs = [tmp_path / 'a.log', tmp_path / 'b.log']
        until(lambda: all('\npid ' in log.read_text() for log in logs), 'nodes did not start')
        pids = [int(log.read_text().split()[-1]) for log in logs]
        parent.send_signal(blow)
        parent.wait(LIMIT)
        until(lambda: not any(map(running, pids)), f'nodes outlive {blow.name}')
    finally:
        parent.kill()
        parent.communicate()
