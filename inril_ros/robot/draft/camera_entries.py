# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The cameras of a draft, and which of them the policy sees."""

from collections.abc import Sequence
import math
from typing import Any

from inril_ros.robot.draft.roles import IMAGES, IMPORTED_IMAGES, segments
from inril_ros.robot.draft.sheet import Entry, Names, TO_DO
from inril_ros.robot.draft.topic_seen import TopicSeen

_MOST = 8  # cameras of a policy
_SIDE = 128  # [pixel]
# Last parts of topics that don't tell one camera from another.
_PLAIN = ('compressed', 'compressedDepth', 'ffmpeg', 'image', 'image_raw', 'image_rect',
          'image_rect_raw', 'image_color', 'color', 'rgb', 'camera')
_NOT_READ = ('/theora', '/zstd')


def camera_entries(
    topics: Sequence[TopicSeen], names: Names,
) -> tuple[list[Entry], dict[str, str]]:
    """Return the cameras, and why other image topics are left out, by topic.

    An image and its compressed versions give one camera.
    """
    found = {topic.name: topic for topic in topics
             if topic.published and topic.type in (*IMAGES, *IMPORTED_IMAGES)}
    entries, left_out = [], {}
    for name, topic in found.items():
        base = name.rsplit('/', 1)[0]
        if name.endswith(_NOT_READ):
            left_out[name] = 'an encoding that is not read'
        elif base in found and (topic.type in IMPORTED_IMAGES
                                or name.endswith('/compressedDepth')):
            left_out[name] = f'the same images as {base}'
        elif topic.type in IMPORTED_IMAGES and f'{base}/compressed' in found:
            left_out[name] = f'the same images as {base}/compressed'
        elif f'{name}/compressed' in found and topic.depth is None:
            left_out[name] = f'the same images as {name}/compressed'
        elif name.endswith('/compressed') and base in found and found[base].depth is not None:
            left_out[name] = f'depth: taken from {base}, which loses nothing'
        else:
            entries.append(_camera(topic, names))
    return entries, left_out


def policy_images(cameras: Sequence[Entry]) -> dict[str, Any] | None:
    """Return what the policy could see: all colour cameras; None if there are none."""
    shown = [entry for entry in cameras if entry.active and 'depth_range' not in entry.values]
    if not shown:
        return None
    slowest = min(entry.values['rate'] for entry in shown[:_MOST])
    return {'cameras': [entry.name for entry in shown[:_MOST]], 'width': _SIDE, 'height': _SIDE,
            'max_age': round(max(0.2, 3.0 / slowest), 3)}


def _camera(topic: TopicSeen, names: Names) -> Entry:
    parts = segments(topic.name)
    while len(parts) > 1 and parts[-1] in _PLAIN:
        parts.pop()
    key = names.key('/' + '/'.join(parts))
    width, height = topic.size or (0, 0)
    imported = topic.type in IMPORTED_IMAGES
    values = {'topic': names.topic(topic.name), 'type': IMAGES[0] if imported else topic.type,
              'width': width, 'height': height, 'rate': round(topic.rate, 1) or 30.0}
    if not (0 < width <= 4096 and 0 < height <= 4096):
        return Entry(key, values, [f'{TO_DO} {topic.name}: no image of it could be read. Enter '
                                   'width and height, and make this entry active'], active=False)
    if imported:
        return Entry(key, values, [f'{topic.name}: {topic.type}, which an import turns into '
                                   'images. Live, let image_transport republish it as compressed'])
    if topic.depth is None:
        return Entry(key, values)
    near, far = topic.depth
    if far <= 0.0:
        near, far = 0.1, 5.0
        note = f'{TO_DO} {topic.name}: a depth camera; enter its nearest and farthest depth [m]'
    else:
        note = (f'{topic.name}: a depth camera; one image had {near:.2f} to {far:.2f} m. Enter '
                'the range [m] of the task')
    values['depth_range'] = [math.floor(near * 10) / 10, math.ceil(far * 10 + 0.1) / 10]
    return Entry(key, values, [note])
