# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The niceness of a process that has a session of its own, on a kernel with autogroups.

There each session (of a terminal, or of ``setsid``) is a group, groups share the processor
equally, and ``nice`` counts only within a group. So a process that is alone in its session gives
way only if its group does (sched(7), "The autogroup feature").
"""

from pathlib import Path

_PROCESSES = Path('/proc')


def give_way(session: int, niceness: int, processes: Path = _PROCESSES) -> bool:
    """Give the group of a session a niceness; return whether it has it.

    Args:
        session: The session, by the number of a process in it.
        niceness: 1 to 19.
        processes: Folder with a folder for each process.
    """
    try:
        # The kernel takes one value in a tenth of a second; its file must exist already.
        with (processes / str(session) / 'autogroup').open('r+', encoding='ascii') as file:
            file.write(str(niceness))
    except OSError:  # no autogroups, no right to it, or the process has ended
        return False
    return True
