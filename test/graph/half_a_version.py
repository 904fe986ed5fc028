# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A learner that sends one piece of its weights and never answers the request for the others.

Usage: half_a_version.py <domain> <version>. It prints a line when the request arrives.
"""

import sys
import time

from played_arm import Player
from policy_bench import Bench, LARGE, made, Version


def main() -> None:
    domain, number = map(int, sys.argv[1:])
    with Player(domain) as player:
        bench, version = Bench(player), Version.of(made(LARGE, 12))
        bench.send_manifest(version, number)
        bench.send_piece(version, number, 0)
        player.until(lambda: any(request.version == number for request in bench.requests),
                     'the policy to ask for the rest')
        print('asked', flush=True)
        time.sleep(3600)


if __name__ == '__main__':
    main()
