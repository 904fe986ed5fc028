# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Any YAML text is read within its limits, or refused with a reason that names the line."""

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest
from run_length import LONG
import yaml

from inril_ros.robot.yaml_file import load_yaml, read_yaml, SETTINGS, YamlError, YamlLimits

SMALL = YamlLimits(size=500, nodes=60, depth=5)


keys = st.text('abcdefgh_', min_size=1, max_size=5)
trees = st.recursive(
    st.integers() | st.text(max_size=6) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12)


@given(st.dictionaries(keys, trees, min_size=1, max_size=4), st.booleans())
def test_written_data_is_read_back_and_each_key_has_its_line(data, flow):
    text = yaml.safe_dump(data, default_flow_style=flow)
    read, lines = read_yaml(text)
    assert read == data
    rows = text.splitlines()
    for key in data:
        assert yaml.safe_dump(key).split('\n')[0].strip("'\"") in rows[lines[(key,)] - 1]


@given(st.lists(keys, min_size=2, max_size=6, unique=True), st.data())
def test_any_repeated_key_is_found(names, data):
    again = data.draw(st.sampled_from(names))
    place = data.draw(st.integers(0, len(names)))
    text = ''.join(f'"{name}": 1\n' for name in [*names[:place], again, *names[place:]])
    with pytest.raises(YamlError, match='is there twice'):
        read_yaml(text)


def multiplied(line, levels, first='a0: &a0 {k: 1}'):
    """Return a mapping whose last key stands for ten times as much with each level."""
    return '\n'.join([first, *(
        line.format(this=f'a{level}', below=', '.join([f'*a{level - 1}'] * 10))
        for level in range(1, levels + 1))])


@pytest.mark.parametrize(('text', 'words'), [
    (multiplied('{this}: &{this} [{below}]', 9), 'stands for more than 20000 .* in line 5'),
    (multiplied('{this}: &{this} {{<<: [{below}]}}', 9), 'stands for more than 20000'),
    ('a: &a ' + 'x' * 1000 + '\nb: [' + '*a, ' * 2000 + ']', 'stands for more than .* in line 2'),
    ('[' + '1, ' * 20_000 + ']', 'stands for more than 20000'),
    ('a: &a [*a]', "'a' contains itself in line 1"),
    ('a: &a {<<: *a}', "'a' contains itself in line 1"),
    ('b: 1\na: ' + '[' * 500 + ']' * 500, 'nested more than 30 deep in line 2'),
    ('\n'.join(' ' * level + 'a:' for level in range(40)), 'nested more than 30 deep in line 31'),
    ('a: 1' + ':1' * 100_000, 'a number of 200001 characters in line 1'),
    ('a: 1' + ':1' * 200 + '.5', 'a number of 403 characters'),
    ('0x' + 'f' * 200 + ': 1', 'a number of 202 characters'),
    ('b: 1\n? [a]\n: 1', 'a key is a list or a mapping in line 2'),
    ('a: !!bool perhaps', 'not what its tag says'),
    ('a: !!timestamp then', 'not what its tag says'),
    ('a: !!int ""', 'not what its tag says'),
    ('a: 2024-13-45', 'month must be in 1..12'),
    ('a: *b', 'undefined alias'),
    ('a: 1\n--- \nb: 2', 'is not YAML'),
    ('a: !!python/object:os.system {}', 'python/object'),
    ('a: \0', 'is not YAML'),
])
def test_a_text_beyond_the_limits_is_refused_with_its_line(text, words):
    with pytest.raises(YamlError, match=words) as caught:
        read_yaml(text)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize('content', [b'\xff\xfe', b'a: "' + b'x' * SETTINGS.size + b'"'])
def test_a_file_that_is_no_text_or_too_large_is_refused(tmp_path, content):
    path = tmp_path / 'arm.yaml'
    path.write_bytes(content)
    with pytest.raises(KeyError, match=f'{path}: (is not YAML|has more than 1000000 bytes)'):
        load_yaml(path, KeyError)


def test_aliases_and_merges_within_the_limits_are_read():
    data, lines = read_yaml('a: &a {k: 1}\nb: [*a, *a]\nc: {<<: *a, l: 2}\n')
    assert data == {'a': {'k': 1}, 'b': [{'k': 1}] * 2, 'c': {'k': 1, 'l': 2}}
    assert data['b'][0] is data['a']
    assert lines[('b', 1)] == 1 and lines[('c',)] == 3


def extent(value, depth=1):
    """Return nodes, characters and depth of what was read, repeated parts counted each time."""
    if isinstance(value, str):
        return 1, len(value), depth - 1
    if not isinstance(value, dict | list):
        return 1, 0, depth - 1
    inner = [value] if isinstance(value, list) else [list(value), list(value.values())]
    parts = [extent(item, depth + 1) for items in inner for item in items]
    return (1 + sum(part[0] for part in parts), sum(part[1] for part in parts),
            max([depth, *(part[2] for part in parts)]))


PIECES = ['a', 'b', '1', '-1.5', '0x1f', '1:30', '2024-01-01', '~', 'yes', '.inf', '<<', "'",
          '"', ': ', '- ', '? ', ', ', '[', ']', '{', '}', '&a ', '&b ', '*a', '*b', '!!bool ',
          '!!int ', '!!set ', '!!binary ', '!!omap ', '!x ', '|\n', '>-\n', '#', '%YAML 1.1\n',
          '---\n', '...\n', '\n', '\n ', '\n  ', '\t', '\0', '\ufeff', '\u2028', '=']


@settings(max_examples=100_000 if LONG else 300)
@given(st.lists(st.sampled_from(PIECES), max_size=80).map(''.join))
def test_any_text_is_read_within_the_limits_or_refused(text):
    try:
        data, _ = read_yaml(text, SMALL)
    except YamlError:
        return
    nodes, characters, depth = extent(data)
    assert nodes <= SMALL.nodes and characters <= SMALL.size and depth <= SMALL.depth
