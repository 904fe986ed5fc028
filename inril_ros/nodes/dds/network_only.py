# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The network as the only transport of a process that commands a robot in real time.

Whenever another process of this machine appears, Fast DDS opens a port of shared memory to it, and
may wait for 333 ms while no publisher of the process can send (eProsima/Fast-DDS#6535): commands
paused because somebody started ``ros2 topic echo``. Messages through the loopback interface have
no such port.
"""

from collections.abc import MutableMapping
import os

from rclpy.utilities import get_rmw_implementation_identifier

from inril_ros.nodes.dds.profiles import chosen, use_profile

_RANGE, _PEERS = 'ROS_AUTOMATIC_DISCOVERY_RANGE', 'ROS_STATIC_PEERS'
_HERE = '127.0.0.1'


def use_network_only(environment: MutableMapping[str, str] = os.environ) -> bool:
    """Make Fast DDS, if it is used, load a profile without shared memory.

    Call it before rclpy is initialised. Settings in the environment take precedence.

    rmw_fastrtps adds shared memory to any profile where discovery is limited to this machine. Then
    the profile itself limits the process to the loopback interface, and discovery is told to ask
    there.

    Returns:
        Whether the process has no shared memory.

    Raises:
        FileNotFoundError: The package's configuration isn't installed.
    """
    if chosen(environment) or not get_rmw_implementation_identifier().startswith('rmw_fastrtps'):
        return False
    reach = environment.get(_RANGE, '').upper() or 'SUBNET'
    if environment.get('ROS_LOCALHOST_ONLY', '0') != '0' or reach not in ('SUBNET', 'LOCALHOST'):
        return False
    name = 'control'
    if reach == 'LOCALHOST':
        name = 'control_here'
        peers = filter(None, (environment.get(_PEERS, ''), _HERE))
        environment.update({_RANGE: 'SUBNET', _PEERS: ';'.join(peers)})
    use_profile(name, environment)
    return True
