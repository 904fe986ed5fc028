# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The keys by which a person controls motion and episodes, the same in every terminal.

What lets the arm move again, or concerns more than one episode, needs the shift key: it is not
pressed by mistake beside the keys that drive. The e-stop needs none.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class PersonKey:
    """A key.

    Attributes:
        key: The key, as ``keys_of`` names it.
        meaning: What it means, in a word.
        says: What it does, for people.
        service: Service that it calls; empty if it calls none.
        data: The service's argument; None if it takes none.
        node: Node that offers the service.
    """

    key: str
    meaning: str
    says: str
    service: str = ''
    data: bool | None = None
    node: str = 'actuation_node'


PERSON_KEYS = (
    PersonKey('escape', 'stop', 'e-stop', 'estop', True),
    PersonKey('U', 'release', 'release the e-stop', 'estop', False),
    PersonKey('E', 'enable', 'enable motion', 'enable', True),
    PersonKey('R', 'resume', 'resume after a hold or an e-stop', 'resume'),
    PersonKey('b', 'start', 'begin a demonstration', 'start'),
    PersonKey('enter', 'ready', 'the scene is set', 'scene_ready'),
    PersonKey('y', 'success', 'the episode is a success', 'success'),
    PersonKey('n', 'failure', 'the episode is a failure', 'failure'),
    PersonKey('backspace', 'discard', 'abort the episode, keep nothing of it', 'abort'),
    PersonKey('G', 'go_on', 'go on after a pause or several aborted episodes', 'go_on',
              node='conductor_node'),
    PersonKey('P', 'pause', 'pause after this episode', 'pause', node='conductor_node'),
    PersonKey('Q', 'end', 'end the stage after this episode', 'end', node='conductor_node'),
    PersonKey('B', 'roll_back', 'return to the last good version and stay there', 'rollback',
              node='policy_node'),
    PersonKey('V', 'pin', 'keep the version that acts', 'pin_version', True, 'policy_node'),
    PersonKey('A', 'unpin', 'accept newer versions again', 'pin_version', False, 'policy_node'),
    PersonKey('?', 'help', 'show the keys'),
)
BY_KEY: Mapping[str, PersonKey] = {each.key: each for each in PERSON_KEYS}
BY_MEANING: Mapping[str, PersonKey] = {each.meaning: each for each in PERSON_KEYS}
#: Services that keys call.
KEY_SERVICES = tuple(dict.fromkeys(
    f'{each.node}/{each.service}' for each in PERSON_KEYS if each.service))
