# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A run says where its graph is for as long as it is up, and a broken note is none."""

from inril_ros.data.run.graph_place import graph_place, GraphPlace, noted_graph


def test_the_place_is_there_while_the_graph_is_up(tmp_path):
    with noted_graph(tmp_path, 'record', 7):
        assert graph_place(tmp_path) == GraphPlace('record', 7)
    assert graph_place(tmp_path) is None


def test_a_note_that_cannot_be_read_is_none(tmp_path):
    for text in ('', '[]', '{"stage": "record"}', '{"stage": "record", "domain_id": 1e9}',
                 '{"stage": "record", "domain_id": true}'):
        (tmp_path / 'graph.json').write_text(text)
        assert graph_place(tmp_path) is None
