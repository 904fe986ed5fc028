# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The built-in arm whose policy looks through one small camera, as files of a contract's own."""

from running_command import ROOT
import yaml


def write_camera_arm(folder, camera, size, episode, **mapping):
    """Write robots/arm.yaml and simulations/arm.yaml; return their paths.

    The camera's images are of a size [px], and of 32 px for the policy; `episode` and `mapping`
    replace values of the contract's episode and of the simulation mapping.
    """
    robot = yaml.safe_load((ROOT / 'config/robots/metaworld_sawyer_cameras.yaml').read_text())
    robot['cameras'] = {camera: {**robot['cameras'][camera], 'width': size, 'height': size}}
    robot['policy_images'] = {'cameras': [camera], 'width': 32, 'height': 32}
    robot['episode'] |= episode
    arm = yaml.safe_load((ROOT / 'config/simulations/metaworld_cameras.yaml').read_text())
    arm |= {'contract': 'arm.yaml', 'cameras': {camera: arm['cameras'][camera]}, **mapping}
    paths = []
    for name, document in ('robots', robot), ('simulations', arm):
        paths.append(folder / name / 'arm.yaml')
        paths[-1].parent.mkdir()
        paths[-1].write_text(yaml.safe_dump(document), encoding='utf-8')
    return paths
