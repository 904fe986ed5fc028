# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Hashes of the sources that can change a result, those of installed plug-ins included.

They are computed from the files themselves, so they are right in a dirty working tree and without
git.
"""

from collections.abc import Iterable
from functools import cache
import hashlib
import json
from pathlib import Path
from typing import Any

from inril_ros.learning.plugins.registry import plugin_sources
from inril_ros.sim.mapping import built_in_mapping

_PACKAGE = Path(__file__).parent.parent
_EPISODES = ('bench/robots.py', 'bench/gymnasium_ids.py', 'bench/vectorised.py',
             'learning/library/playing.py', 'data', 'robot', 'sim')
_RUNS = (*_EPISODES, 'bench/clones.py', 'bench/demonstrations.py', 'bench/evaluation.py',
         'bench/clone_evaluation.py', 'bench/run.py', 'bench/tally.py', 'learning')
# A change of a host leaves clones valid.
_CLONES = (*_EPISODES, 'bench/clones.py', 'bench/demonstrations.py', 'learning/cosine_rate.py',
           'learning/datasets', 'learning/experience.py', 'learning/library/demonstrations.py',
           'learning/observations.py', 'learning/pretrain.py', 'learning/policies')


@cache
def code_hash() -> str:
    """Return the SHA-256 of all sources and configurations that a run depends on."""
    return _hash(_RUNS)


@cache
def clone_code_hash() -> str:
    """Return the SHA-256 of the sources and configurations that a clone depends on."""
    return _hash(_CLONES)


def content_hash(content: Any) -> str:
    """Return the SHA-256 of plain data."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _hash(parts: Iterable[str]) -> str:
    configurations = built_in_mapping('metaworld').parent.parent
    files = [(folder, path) for folder in (configurations / 'robots',
                                           configurations / 'simulations')
             for path in sorted(folder.glob('*.yaml'))]
    for part in parts:
        path = _PACKAGE / part
        files += [(_PACKAGE, each) for each in (
            [path] if path.suffix == '.py' else sorted(path.rglob('*.py')))]
    total = hashlib.sha256()
    for folder, path in [*files, *plugin_sources()]:
        total.update(f'{path.relative_to(folder)}\0'.encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()
