# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The documentation builds without a warning, and what it names exists."""

from pathlib import Path
import re
import subprocess
import sys

import pytest

from inril_ros.robot.contract.contract import load_contract

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / 'README.md'
PAGES = [README, ROOT / 'CONTRIBUTING.md', *sorted((ROOT / 'docs').rglob('*.md'))]
OWN = [page for page in PAGES if 'studies' not in page.parts]  # written by people, not by programs


def name(page):
    return page.relative_to(ROOT).as_posix()


def test_the_site_builds_without_a_warning(tmp_path):
    pytest.importorskip('sphinx', reason='the site needs Python 3.11 or newer')
    built = subprocess.run(
        [sys.executable, '-m', 'sphinx', '-q', '-W', '--keep-going', '-b', 'html',
         str(ROOT / 'docs'), str(tmp_path)], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    for page in ('index', 'reference/commands', 'reference/contract', 'reference/messages'):
        assert (tmp_path / f'{page}.html').is_file(), page
    commands = (tmp_path / 'reference/commands.html').read_text(encoding='utf-8')
    assert 'import-lerobot' in commands and '--synchronous' in commands


def test_the_readme_takes_three_minutes():
    lines = README.read_text(encoding='utf-8').splitlines()
    assert len(lines) <= 100
    assert all(len(line) <= 120 for line in lines if not line.startswith('|'))


def test_the_contract_in_the_readme_is_one(tmp_path):
    text = re.search(r'```yaml\n(.*?)```', README.read_text(encoding='utf-8'), re.DOTALL)[1]
    assert len(text.splitlines()) == 10
    path = tmp_path / 'arm.yaml'
    path.write_text(text, encoding='utf-8')
    assert load_contract(path).name == 'my_arm'


@pytest.mark.parametrize('page', PAGES, ids=name)
def test_links_lead_somewhere(page):
    text = re.sub(r'```.*?```', '', page.read_text(encoding='utf-8'), flags=re.DOTALL)
    for link in re.findall(r'\]\((?!https?:|#|mailto:)([^)\s#]+)', text):
        assert not link.startswith(('/', 'file:')), link
        assert (page.parent / link).exists(), link
