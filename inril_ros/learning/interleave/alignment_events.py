# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The products of single events, kept so that alignment can be pooled again afterwards.

An event is one JSON-able object, one line of an `alignment.jsonl`:

    {"rl_updates": 1200,
     "needed_inner": 0.003,
     "products": {"whole": [<g_I, g_R>, |g_I|^2, |g_R|^2], "layers.0": [...], ...}}

The three products are unbiased (|g|^2 is <g1, g2> of two independent parts). `needed_inner` is
what <g_I, g_R> must exceed for the IL step to lower the RL loss, in expectation; its sum over the
root of the sums of both squares is c_min. Sum over events before anything is divided. After a
restart an event may be there twice, with the same `rl_updates`: the last one counts.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping
import math
from typing import Any

import numpy as np

from inril_ros.learning.interleave.alignment import Alignment
from inril_ros.learning.interleave.alignment_pool import pooled, PooledAlignment, WHOLE

_PRODUCTS = ('inner', 'il_square', 'rl_square')
_LAYER = 'alignment_layer/'


def products_by_layer(alignment: Alignment) -> dict[str, float]:
    """Return what an update logs so that `alignment_event` finds the products of each layer."""
    return {f'{_LAYER}{layer}/{name}': value for layer, products in alignment.layers.items()
            for name, value in zip(_PRODUCTS, (products.inner, products.il, products.rl))}


def alignment_event(logged: Mapping[str, float]) -> dict[str, Any] | None:
    """Return the event in the log of an update; None if alignment was not measured in it.

    An event with a product that is not finite counts as not measured, as in AlignmentPool.
    """
    if 'alignment_inner' not in logged:
        return None
    layers = [name[len(_LAYER):-len('/inner')] for name in logged
              if name.startswith(_LAYER) and name.endswith('/inner')]
    places = {WHOLE: 'alignment_', **{layer: f'{_LAYER}{layer}/' for layer in layers}}
    products = {part: [logged[f'{place}{name}'] for name in _PRODUCTS]
                for part, place in places.items()}
    if not all(math.isfinite(value) for values in products.values() for value in values):
        return None
    needed = logged['alignment_needed_inner']
    return {'rl_updates': int(logged['rl_updates']),
            'needed_inner': needed if math.isfinite(needed) else None, 'products': products}


def pooled_again(events: Iterable[Mapping[str, Any]], level: float = 0.95,
                 least_events: int = 20) -> dict[str, PooledAlignment]:
    """Return the alignment of all parameters ('whole') and of each layer over these events."""
    last = {event['rl_updates']: event['products'] for event in events}
    parts = sorted({part for products in last.values() for part in products})
    found = {}
    for part in parts:
        rows = np.array([products[part] for products in last.values() if part in products])
        found[part] = pooled(*rows.T, level, least_events)
    return found
