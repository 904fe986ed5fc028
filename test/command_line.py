# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The `inril` command in this process, for what ends before a node is started."""

from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
import os
import signal
import sys

import pytest

from inril_ros.cli.main import main

WIDTH = '200'  # of the terminal


def inril(*arguments):
    """Run the command to its end; return (exit status, stdout, stderr)."""
    out, err = StringIO(), StringIO()
    handler = signal.getsignal(signal.SIGTERM)
    try:
        with redirect_stdout(out), redirect_stderr(err), pytest.MonkeyPatch.context() as patch:
            patch.setenv('COLUMNS', WIDTH)
            patch.setattr(sys, 'argv', ['inril', *map(str, arguments)])
            patch.setattr(os, '_exit', sys.exit)
            with pytest.raises(SystemExit) as end:
                main()
    finally:
        signal.signal(signal.SIGTERM, handler)
    return end.value.code, out.getvalue(), err.getvalue()


def succeeded(*arguments):
    """Run a command that must succeed; return what it wrote to stdout."""
    status, out, err = inril(*arguments)
    assert status == 0, f'{out}\n{err}'
    return out


def refused(*arguments):
    """Run a command that must be refused in one message without a traceback; return that."""
    status, out, err = inril(*arguments)
    assert status in (1, 2), f'{status}: {out}\n{err}'
    assert 'Traceback' not in out + err
    assert err.count('rror') >= 1, err
    return err
