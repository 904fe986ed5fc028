# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Decoding of video that comes packet by packet, without a container."""

import re
from typing import Any

import numpy as np

from inril_ros.data.lerobot.video import require_av

# What the names of encoders and of formats contain, and the decoder.
_DECODERS = {'264': 'h264', 'avc': 'h264', '265': 'hevc', 'hevc': 'hevc', 'av1': 'libdav1d',
             'vp9': 'vp9', 'vp8': 'vp8'}
_NAL = re.compile(b'\0\0\x01(.)', re.DOTALL)
Decoded = list[tuple[int, np.ndarray]]
"""Number of the packet and image (H, W, 3) uint8 RGB."""


class DecodingError(ValueError):
    """A packet that can't be decoded."""


def decoder_of(form: str) -> str | None:
    """Return the decoder for a format such as ``h264``, ``hevc_nvenc`` or ``h264;yuv420p;bgr8``.

    None: it is no video.
    """
    name = form.partition(';')[0].strip().lower()
    return next((decoder for part, decoder in _DECODERS.items() if part in name), None)


def is_key_frame(decoder: str, data: bytes) -> bool:
    """Return whether decoding can begin with this packet.

    False is returned for some packets from which it could begin, but not the reverse.
    """
    if decoder in ('h264', 'hevc'):
        for found in _NAL.finditer(data):
            kind = found[1][0] & 31 if decoder == 'h264' else found[1][0] >> 1 & 63
            if kind in ((5, 7) if decoder == 'h264' else (*range(16, 22), 32, 33)):
                return True
            if kind < (6 if decoder == 'h264' else 32):
                return False  # a slice of another frame
        return False
    if decoder == 'libdav1d':
        # A temporal delimiter, then the sequence header of a key frame; bits 3 to 6 tell which.
        return [byte >> 3 & 15 for byte in (data[:1] + data[2:3])] == [2, 1] or (
            data[:1] != b'' and data[0] >> 3 & 15 == 1)
    if decoder == 'vp9':
        return len(data) > 0 and data[0] >> 6 == 2 and data[0] & 0b1100 == 0
    return len(data) > 0 and not data[0] & 1


class VideoDecoder:
    """Decodes the packets of one stream, in order.

    Args:
        decoder: Name of the decoder.

    Raises:
        VideoError: PyAV isn't installed.
        DecodingError: PyAV has no such decoder.
    """

    def __init__(self, decoder: str) -> None:
        self._av = require_av()
        self._av.logging.set_level(self._av.logging.PANIC)
        if decoder not in self._av.codecs_available:
            raise DecodingError(f'this PyAV has no decoder {decoder}')
        self._context = self._av.CodecContext.create(decoder, 'r')
        # Images have the numbers of their packets. Their times can't tell them, because those of
        # packets that are sent in another order don't rise.
        self._context.flags |= self._av.codec.context.Flags.copy_opaque

    def add(self, number: int, data: bytes) -> Decoded:
        """Decode a packet; return the images that are complete, of this or earlier packets.

        Raises:
            DecodingError: It can't be decoded, for example because its key frame is missing.
        """
        packet = self._av.Packet(data)
        packet.opaque = number
        return self._decode(packet)

    def end(self) -> Decoded:
        """Return the remaining images.

        Raises:
            DecodingError: They can't be decoded.
        """
        return self._decode(None)

    def _decode(self, packet: Any) -> Decoded:
        try:
            return [(frame.opaque, frame.to_ndarray(format='rgb24'))
                    for frame in self._context.decode(packet) if not frame.is_corrupt]
        except (self._av.FFmpegError, ValueError, NotImplementedError) as error:
            raise DecodingError(getattr(error, 'strerror', None) or str(error)) from error
