# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The metadata of a bag as `rosbag2` writes it (version 9)."""

from typing import Any, TYPE_CHECKING

from rosbags.rosbag2.metadata import dump_qos_v9
import yaml

if TYPE_CHECKING:
    from rosbags.rosbag2 import Writer

# That of libyaml, where it is there, is ten times as fast.
_DUMPER = getattr(yaml, 'CSafeDumper', yaml.SafeDumper)


def bag_metadata(writer: 'Writer') -> dict[str, Any]:
    """Return what `metadata.yaml` says of a bag of one file that has been written."""
    file, start = writer.storage.path.name, writer.min_timestamp
    count = sum(writer.counts.values())
    span = {'duration': {'nanoseconds': max(0, writer.max_timestamp - start)},
            'starting_time': {'nanoseconds_since_epoch': start}}
    return {
        'version': writer.version,
        'storage_identifier': writer.storage_plugin.name.lower(),
        'relative_file_paths': [file],
        **span,
        'message_count': count,
        'topics_with_message_count': [
            {'topic_metadata': {
                'name': link.topic, 'type': link.msgtype,
                'serialization_format': link.ext.serialization_format,
                'offered_qos_profiles': dump_qos_v9(link.ext.offered_qos_profiles),
                'type_description_hash': link.digest},
             'message_count': writer.counts[link.id]}
            for link in writer.connections],
        'compression_format': '',
        'compression_mode': '',
        'files': [{'path': file, **span, 'message_count': count}],
        'custom_data': writer.custom_data or None,
        'ros_distro': 'rosbags'}


def yaml_text(value: Any) -> str:
    """Return a value as YAML."""
    return yaml.dump(value, Dumper=_PlainDumper, sort_keys=False, default_flow_style=False,
                     allow_unicode=True)


class _PlainDumper(_DUMPER):
    """Says what is there twice twice, since not every reader knows anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        """Return True."""
        return True
