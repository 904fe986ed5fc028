# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The message types for bags: those of ROS 2 and those of this package.

Bags are read and written without ROS, so the definitions come from the `.msg` files and not from
the Python classes generated from them. A test compares both by the type hash (REP-2016, RIHS01).
"""

from functools import cache
from pathlib import Path

from rosbags.typesys import get_types_from_msg, get_typestore, Stores
from rosbags.typesys.store import Typestore

from inril_ros.data.raw.image_types import image_types

PACKAGE = 'inril_ros'


def message_folder() -> Path:
    """Return the folder with the `.msg` files that belong to this copy of the package.

    It is searched from this file upwards: `msg` in a source tree, `share/inril_ros/msg` below an
    installation prefix.

    Raises:
        FileNotFoundError: Neither exists.
    """
    for parent in Path(__file__).absolute().parents:
        for folder in (parent / 'msg', parent / 'share' / PACKAGE / 'msg'):
            if any(folder.glob('*.msg')):
                return folder
    raise FileNotFoundError(
        f'no msg/*.msg and no share/{PACKAGE}/msg/*.msg in any folder above {__file__}: '
        'the installation is incomplete, install the package again'
    )


@cache
def ros_typestore() -> Typestore:
    """Return the type store that knows `inril_ros/msg/*`, the common ROS 2 messages, and images.

    It is made once per process and shared: don't register other types in it.

    Raises:
        FileNotFoundError: The message definitions are not installed.
    """
    store = get_typestore(Stores.ROS2_KILTED)
    types = image_types()
    for path in sorted(message_folder().glob('*.msg')):
        text = path.read_text(encoding='utf-8')
        types.update(get_types_from_msg(text, f'{PACKAGE}/msg/{path.stem}'))
    store.register(types)
    return store
