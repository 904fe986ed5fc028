# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The records of MCAP files that are read and written here without a library.

``rosbags`` reads summaries and writes all but messages, but it copies each message five times,
which for images is most of the time that an import takes. See https://mcap.dev/spec.
"""

from struct import Struct

CHANNEL, MESSAGE, CHUNK, INDEX = 0x04, 0x05, 0x06, 0x07
RECORD_HEAD = Struct('<BQ')  # op, length of what follows
MESSAGE_HEAD = Struct('<BQHIQQ')  # .. channel, sequence, log time, publish time
CHUNK_HEAD = Struct('<BQQQQII')  # .. first time, last time, size, CRC, length of compression
INDEX_HEAD = Struct('<BQHI')  # .. channel, length of (time, place) pairs
