# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""An RViz configuration of a robot: model, frames, observed poses and forces, cameras."""

from typing import Any

import yaml

from inril_ros.cli.views.robot_view import RobotView

#: Displays of observed topics by the type of their messages.
_DISPLAYS = {
    'geometry_msgs/msg/PoseStamped': ('Pose', {
        'Shape': 'Axes', 'Axes Length': 0.05, 'Axes Radius': 0.005}),
    'geometry_msgs/msg/PointStamped': ('PointStamped', {'Radius': 0.01}),
    'geometry_msgs/msg/WrenchStamped': ('Wrench', {}),
    'nav_msgs/msg/Odometry': ('Odometry', {'Keep': 1}),
}


def rviz_text(view: RobotView) -> str:
    """Return the text of the configuration file."""
    displays = [
        {'Class': 'rviz_default_plugins/Grid', 'Name': 'Grid', 'Enabled': True,
         'Cell Size': 0.1, 'Plane Cell Count': 20},
        {'Class': 'rviz_default_plugins/RobotModel', 'Name': 'Arm', 'Enabled': True,
         'Description Source': 'Topic', 'TF Prefix': view.frame_prefix.rstrip('/'),
         'Description Topic': {**_topic(view.name('robot_description'), depth=1),
                               'Durability Policy': 'Transient Local',
                               'Reliability Policy': 'Reliable'}},
        {'Class': 'rviz_default_plugins/TF', 'Name': 'Frames', 'Enabled': True,
         'Marker Scale': 0.2, 'Show Names': False}]
    for topic, kind in view.observed().items():
        if kind in _DISPLAYS:
            plugin, options = _DISPLAYS[kind]
            displays.append({'Class': f'rviz_default_plugins/{plugin}', 'Name': topic,
                             'Enabled': True, **options, 'Topic': _topic(topic)})
    displays += [
        {'Class': 'rviz_default_plugins/Image', 'Name': f'Camera {name}', 'Enabled': True,
         'Topic': _topic(view.name(camera.topic))}
        for name, camera in view.contract.cameras.items()]
    return yaml.safe_dump({
        'Panels': [{'Class': 'rviz_common/Displays', 'Name': 'Displays'},
                   {'Class': 'rviz_common/Views', 'Name': 'Views'}],
        'Visualization Manager': {
            'Class': '',
            'Global Options': {'Fixed Frame': view.root, 'Frame Rate': 30,
                               'Background Color': '48; 48; 48'},
            'Displays': displays,
            'Tools': [{'Class': f'rviz_default_plugins/{name}'}
                      for name in ('MoveCamera', 'Measure')],
            'Views': {'Current': {
                'Class': 'rviz_default_plugins/Orbit', 'Name': 'Current View', 'Distance': 1.6,
                'Focal Point': {'X': 0.35, 'Y': 0.0, 'Z': 0.15}, 'Pitch': 0.5, 'Yaw': 0.7,
                'Target Frame': view.root}}},
        'Window Geometry': {'Height': 900, 'Width': 1400}}, sort_keys=False)


def _topic(name: str, depth: int = 5) -> dict[str, Any]:
    """Return a topic with the QoS of sensors, which every publisher fits to."""
    return {'Value': name, 'Depth': depth, 'History Policy': 'Keep Last',
            'Durability Policy': 'Volatile', 'Reliability Policy': 'Best Effort'}
