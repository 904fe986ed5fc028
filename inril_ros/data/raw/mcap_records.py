# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The records of MCAP files that are read and written here without a library.

``rosbags`` reads summaries and writes all but messages, but it copies each message five times,
which for images is most of the time that an import takes. See https://mcap.dev/spec.
"""

from struct import Struct

import numpy as np

CHANNEL, MESSAGE, CHUNK, INDEX = 0x04, 0x05, 0x06, 0x07
RECORD_HEAD = Struct('<BQ')  # op, length of what follows
MESSAGE_HEAD = Struct('<BQHIQQ')  # .. channel, sequence, log time, publish time
CHUNK_HEAD = Struct('<BQQQQII')  # .. first time, last time, size, CRC, length of compression
MESSAGE_FIELDS = MESSAGE_HEAD.size - RECORD_HEAD.size  # [byte] of a record before its message
INDEX_HEAD = Struct('<BQHI')  # .. channel, length of (time, place) pairs

#: What ``MESSAGE_HEAD`` reads, for many messages at once.
MESSAGE_HEADS = np.dtype([('op', 'u1'), ('length', '<u8'), ('channel', '<u2'),
                          ('sequence', '<u4'), ('time', '<u8'), ('published', '<u8')])


def at_each_byte(content: np.ndarray, kind: np.dtype) -> np.ndarray:
    """Return a view (n - size + 1,) of bytes (n,) uint8 in which item i begins at byte i.

    Indexing it gathers values from wherever they lie, and assigning puts them there.

    Raises:
        ValueError: The content is shorter than one item.
    """
    return np.ndarray(len(content) - kind.itemsize + 1, kind, content, strides=(1,))
