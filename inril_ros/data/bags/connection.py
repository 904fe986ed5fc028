# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The connections of a recording: topic, type and definition of messages that belong together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

_Key = TypeVar('_Key')


@dataclass(frozen=True)
class Source:
    """What a file says about the messages of one of its channels.

    Attributes:
        written: The topic's name as it is in the file.
        msgtype: The type, ``package/msg/Name``.
        encoding: ``cdr``, ``ros1``, or an encoding that isn't of ROS.
        form: How the definition is written: ``ros2msg``, ``ros1msg``, ``ros2idl``, ``omgidl``;
            anything else is no definition.
        definition: The type's definition with the definitions of its parts.
        digest: Hash of the type as its publisher told it; empty if the file has none.
    """

    written: str
    msgtype: str
    encoding: str
    form: str = ''
    definition: str = ''
    digest: str = ''


@dataclass(frozen=True)
class Connection:
    """The messages of one topic of a recording that have the same type and definition.

    Attributes:
        id: Its number, unique in the recording.
        source: What the files say about its messages.
        msgcount: Number of its messages.
        topic: Full name of the topic, with one slash in front and none at the end.
    """

    id: int
    source: Source
    msgcount: int
    topic: str

    @property
    def msgtype(self) -> str:
        """The type of its messages, ``package/msg/Name``."""
        return self.source.msgtype


class BagFile(Protocol):
    """One file of a recording.

    Attributes:
        path: The file.
        sources: What the file says about its channels, by the channels' numbers.
        counts: Number of messages of each channel.
        start: Time of its first message [ns]; 0 without messages.
        end: Time of its last message [ns]; -1 without messages.
    """

    path: Path
    sources: dict[int, Source]
    counts: dict[int, int]
    start: int
    end: int

    def pieces(
        self, wanted: Mapping[int, _Key], start: int, stop: int,
    ) -> Iterator[tuple[int, Iterator[tuple[int, _Key, bytes]]]]:
        """Yield the parts of the file that hold wanted messages: (time [ns], messages).

        No message of a part (time, key of its channel, content) is older than the time of the
        part. A part's messages are in order of time, and are read when they are asked for.
        """

    def close(self) -> None:
        """Close the file."""


def full_topic(name: str) -> str:
    """Return a topic's full name: bags also have names without, or with too many, slashes."""
    return '/' + '/'.join(filter(None, name.split('/')))


def full_type(name: str) -> str:
    """Return the name of a type as ROS 2 writes it: ROS 1 writes ``package/Name``."""
    package, _, kind = name.partition('/')
    return f'{package}/msg/{kind}' if kind and '/' not in kind else name
