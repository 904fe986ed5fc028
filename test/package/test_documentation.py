# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The documentation builds without a warning, and the things it names exist."""

import os
from pathlib import Path
import re
import subprocess
import sys

from documented_commands import check, commands_of, options_of
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


def test_the_contract_in_the_readme_is_valid(tmp_path):
    text = re.search(r'```yaml\n(.*?)```', README.read_text(encoding='utf-8'), re.DOTALL)[1]
    assert len(text.splitlines()) == 10
    path = tmp_path / 'arm.yaml'
    path.write_text(text, encoding='utf-8')
    assert load_contract(path).name == 'my_arm'


@pytest.mark.parametrize('page', PAGES, ids=name)
def test_links_have_targets(page):
    text = re.sub(r'```.*?```', '', page.read_text(encoding='utf-8'), flags=re.DOTALL)
    for link in re.findall(r'\]\((?!https?:|#|mailto:)([^)\s#]+)', text):
        assert not link.startswith(('/', 'file:')), link
        assert (page.parent / link).exists(), link


@pytest.mark.parametrize('page', OWN, ids=name)
def test_commands_options_and_files_exist(page):
    for command in commands_of(page):
        check(command)


@pytest.mark.parametrize(('line', 'complaint'), [
    ('inril fly', 'no such command'), ('inril demo --speed 3', 'speed'),
    ('inril evaluate runs/a', 'model'), ('rm -r runs', 'not a command of ours'),
    ('inril contract check no_such_robot', 'no_such_robot'),
    ('scripts/no_such_script.sh', 'not there'), ('ros2 run joy joy_node', 'not marked'),
    ('python -m inril_ros.no_such_module', 'no_such_module'),
    ('ros2 launch inril_ros sim.launch.py speed:=3', 'speed')])
def test_a_wrong_command_is_noticed(line, complaint, tmp_path, monkeypatch):
    page = tmp_path / 'page.md'
    page.write_text(f'```bash\n{line}\n```\n', encoding='utf-8')
    monkeypatch.setattr('documented_commands.ROOT', tmp_path)
    (command,) = commands_of(page)
    with pytest.raises(Exception, match=complaint):
        check(command)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize('page', ['first_run', 'own_simulator'])
def test_the_commands_of_a_tutorial_run_in_a_shortened_form(page, tmp_path):
    short = {'--demos': '2', '--clone-steps': '30', '--steps': '200', '--episodes': '2'}
    for command in commands_of(ROOT / f'docs/tutorials/{page}.md'):
        words = list(command.words)
        if command.needs or words[0] in ('source', 'export', 'cd'):
            continue
        if words[0] == 'scripts/demo.sh':
            words = ['inril', 'demo']
        if words[0] == 'inril':
            for option in short.keys() & options_of(words):
                words += [option, short[option]]
        words = [path for word in words for path in (
            map(str, sorted(tmp_path.glob(word))) if '*' in word else [word])]
        ran = subprocess.run(
            [ROOT / word if (ROOT / word).is_file() else word for word in words], cwd=tmp_path,
            env={**os.environ, 'PYTHONPATH': str(ROOT)}, capture_output=True, text=True,
            check=False)
        assert ran.returncode == 0, f'{command}\n{ran.stdout}\n{ran.stderr}'


# Names in a page: files and folders (`nodes/weights/gate.py`, `robot/motion/`), and classes
# (`CommandPath.tick`). Files that a run writes are not in the tree.
PATH = re.compile(r'^[\w.*-]+(?:/[\w.*-]+)*/?$')
SUFFIXES = ('.py', '.msg', '.sh', '.sdf', '.urdf', '.lock', '.rviz', '.xml', '.yaml', '.json')
OF_A_RUN = re.compile(r'^(?:runs|demos|demonstrations|finetune|pretrained|evaluations|rejected'
                      r'|recording\.json|report\.html|summary\.json|arm\.yaml|contract\.yaml'
                      r'|model\.json|\.aligned|my_\w+\.\w+|\w*study\.yaml)')


def named(page):
    text = re.sub(r'```.*?```', '', page.read_text(encoding='utf-8'), flags=re.DOTALL)
    return re.findall(r'(?<!`)`([^`\n]+)`(?!`)', text)


@pytest.mark.parametrize('page', OWN, ids=name)
def test_paths_that_a_page_names_exist(page):
    for code in named(page):
        is_path = PATH.match(code) and (
            code.endswith('/') or '/' in code and code.endswith(SUFFIXES))
        if not is_path or OF_A_RUN.match(code):
            continue
        assert any(list(folder.glob(code.rstrip('/'))) for folder in (ROOT, ROOT / 'inril_ros')), (
            f'{code} is not there')


@pytest.mark.parametrize('page', OWN, ids=name)
def test_classes_that_a_page_names_exist(page):
    classes = {found for path in (ROOT / 'inril_ros').rglob('*.py') for found in re.findall(
        r'^class (\w+)', path.read_text(encoding='utf-8'), flags=re.MULTILINE)}
    classes |= {path.stem for path in (ROOT / 'msg').glob('*.msg')}
    for code in named(page):
        found = re.match(r'^([A-Z][a-z]+(?:[A-Z][a-z]+)+)(?:\.(\w+))?(?:\(.*)?$', code)
        if found:
            assert found[1] in classes | {'JointState', 'TwistStamped'}, f'{code} is not there'
