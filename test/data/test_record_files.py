# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Records are read as they were written, whenever the writer was killed."""

from copy import deepcopy
from dataclasses import asdict, dataclass
import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from inril_ros.data.record_files import (
    JsonLines,
    read_json,
    read_json_lines,
    read_record,
    RecordError,
    write_json,
)

scalars = st.none() | st.booleans() | st.integers() | st.text() | st.floats(
    allow_nan=False, allow_infinity=False)
records = st.dictionaries(st.text(), scalars | st.lists(scalars), max_size=4)


@given(st.lists(records, max_size=6), st.data())
def test_records_before_a_crash_and_after_it_are_all_there(tmp_path_factory, written, data):
    path = tmp_path_factory.mktemp('lines') / 'some' / 'records.jsonl'
    with JsonLines(path) as lines:
        for record in written:
            lines.append(record)
    whole = path.read_bytes()
    # The process dies in the middle of one more record.
    torn = json.dumps({'torn': 'record'}).encode()
    path.write_bytes(whole + torn[:data.draw(st.integers(0, len(torn)))])
    assert read_json_lines(path) == written
    with JsonLines(path) as lines:
        lines.append({'after': 1})
    assert read_json_lines(path) == [*written, {'after': 1}]
    assert path.read_bytes().startswith(whole)


def test_a_record_is_there_for_others_at_once(tmp_path):
    with JsonLines(tmp_path / 'records.jsonl') as lines:
        lines.append({'first': 1})
        assert read_json_lines(lines.path) == [{'first': 1}]


def test_values_unknown_to_json_are_written_in_its_types(tmp_path):
    with JsonLines(tmp_path / 'records.jsonl') as lines:
        lines.append({'loss': float('nan'), 'worst': np.float32('inf'), 'count': np.uint64(3),
                      'edges': np.array([0.5, np.nan]), 'where': Path('a/b')})
    assert read_json_lines(lines.path) == [
        {'loss': None, 'worst': None, 'count': 3, 'edges': [0.5, None], 'where': 'a/b'}]


def test_a_damaged_line_is_named(tmp_path):
    path = tmp_path / 'records.jsonl'
    path.write_text('{"a": 1}\n{"a": \n{"a": 3}\n')
    with pytest.raises(RecordError, match='records.jsonl, line 2: is not JSON'):
        read_json_lines(path)
    path.write_text('[1]\n')
    with pytest.raises(RecordError, match='line 1: is not an object'):
        read_json_lines(path)


def test_without_a_file_there_are_no_records(tmp_path):
    assert read_json_lines(tmp_path / 'none.jsonl') == []


def test_a_file_is_not_written_over_unless_asked(tmp_path):
    path = tmp_path / 'deep' / 'result.json'
    write_json(path, {'n': 1})
    with pytest.raises(FileExistsError, match='is not written over'):
        write_json(path, {'n': 2})
    assert read_json(path) == {'n': 1}
    write_json(path, {'n': 2}, replace=True)
    assert read_json(path) == {'n': 2}


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / 'result.json'
    write_json(path, {'n': 1})
    with pytest.raises(TypeError):
        write_json(path, {'n': object()}, replace=True)
    assert read_json(path) == {'n': 1}


def test_a_missing_or_damaged_file_is_named(tmp_path):
    with pytest.raises(RecordError, match='none.json: cannot be read'):
        read_json(tmp_path / 'none.json')
    (tmp_path / 'bad.json').write_text('{')
    with pytest.raises(RecordError, match='bad.json: is not JSON'):
        read_json(tmp_path / 'bad.json')


def test_a_key_that_a_record_lacks_names_the_file(tmp_path):
    write_json(tmp_path / 'a.json', {'inner': {'b': 1}})
    (tmp_path / 'b.jsonl').write_text('{"a": 1}\n{"b": 2}\n')
    record = read_record(tmp_path / 'a.json')
    assert record == {'inner': {'b': 1}} and record.get('x') is None
    with pytest.raises(RecordError, match="a.json: has no 'x'"):
        record['x']
    with pytest.raises(RecordError, match="a.json: has no 'c'"):
        record['inner']['c']
    with pytest.raises(RecordError, match="b.jsonl, line 2: has no 'a'"):
        read_json_lines(tmp_path / 'b.jsonl')[1]['a']
    (tmp_path / 'c.json').write_text('[]')
    with pytest.raises(RecordError, match='c.json: must be an object'):
        read_record(tmp_path / 'c.json')


def test_a_record_is_copied_as_a_dict(tmp_path):
    @dataclass
    class Holder:
        record: dict

    write_json(tmp_path / 'a.json', {'inner': {'b': 1}})
    record = read_record(tmp_path / 'a.json')
    for copied in (asdict(Holder(record))['record'], deepcopy(record), record.copy()):
        assert copied == {'inner': {'b': 1}}
