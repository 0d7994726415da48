#!/usr/bin/env python3
"""How long ranks on this machine wait for each other over Gloo, by the bytes of a tensor (org.minpro.bench.CollectiveTimes).

    bench/scale/collectives.py [PROCESSES]
"""

import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "trl"))
import side_by_side  # noqa: E402


def main():
    command = side_by_side.java("CollectiveTimes", *sys.argv[1:2])
    sys.exit(subprocess.run(command, env={**os.environ, **side_by_side.JAVA_ENVIRONMENT}).returncode)


if __name__ == "__main__":
    main()
