# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A person at the console: its process, and a browser in which buttons and keys are pressed."""

from contextlib import contextmanager
import os
import shutil

from playwright.sync_api import expect, sync_playwright
import pytest
from running_command import Command

_BROWSERS = ('chromium', 'chromium-browser', 'google-chrome')
PATIENCE = 60_000  # [ms]


@contextmanager
def console(folder, run, *options, **environment):
    """Run the console of a run; yield its command and its address."""
    with Command(folder, 'console', run, '--port', '0', *options, **environment) as command:
        command.wait_running(lambda: 'http://' in command.stdout, 'the address')
        yield command, command.stdout.split(': ', 1)[1].split()[0]


@contextmanager
def browser():
    """Open a browser; skip the test where there is none, but not in CI."""
    path = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if path is None:
        assert 'CI' not in os.environ, 'no browser is installed'
        pytest.skip('no browser is installed: apt-get install chromium')
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=path, args=['--no-sandbox'])
        yield made
        made.close()


class Page:
    """A page of the console.

    Args:
        made: The browser.
        address: The console's.
        width: [pixel] Of the page.
    """

    def __init__(self, made, address, width=1280):
        self.page = made.new_page(viewport={'width': width, 'height': 900})
        self.page.set_default_timeout(PATIENCE)
        self.page.goto(address)

    def press(self, meaning):
        """Press a button once it can be pressed."""
        self.page.click(f'[data-meaning={meaning}]')

    def key(self, name):
        self.page.keyboard.press(name)

    def sees(self, text):
        """Wait until a text is on the page."""
        expect(self.page.locator('body')).to_contain_text(text, timeout=PATIENCE)

    @property
    def overflows(self):
        """Whether the page is wider than its window."""
        return self.page.evaluate(
            'document.documentElement.scrollWidth > document.documentElement.clientWidth')


