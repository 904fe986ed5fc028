# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A node's process allocates memory for images once, not for each image."""

import platform
import subprocess
import sys

import pytest

PICTURES = """
import resource, sys
from inril_ros.nodes.base.kept_memory import keep_memory
assert sys.argv[1] == 'as it is' or keep_memory()
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def picture():
    return [bytearray(number) for number in (900_000, 1_400_000, 700_000)]
picture()
before = faults()
for _ in range(50):
    picture()
print(faults() - before)
"""


def page_faults(how):
    return int(subprocess.run([sys.executable, '-c', PICTURES, how], check=True,
                              capture_output=True, text=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != 'glibc', reason='another C library')
def test_memory_is_allocated_once():
    assert page_faults('kept') < page_faults('as it is') / 10
