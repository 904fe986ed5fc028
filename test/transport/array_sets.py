# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Arrays of every type that weights may have, for tests of their transfer."""

from hypothesis import strategies as st
import numpy as np

TYPES = ('float64', 'float32', 'float16', 'int64', 'int32', 'int16', 'int8', 'uint8', 'bool')


def array(values):
    dtype, shape, seed = values
    return np.random.default_rng(seed).integers(0, 2 if dtype == 'bool' else 100, shape).astype(
        dtype)


arrays = st.tuples(st.sampled_from(TYPES), st.lists(st.integers(0, 3), max_size=3),
                   st.integers(0, 3)).map(array)
