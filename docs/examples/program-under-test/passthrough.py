"""The smallest program under test, in Python without any package: see passthrough.c.

    lombard run quick-wb --car passthrough-python.toml

The contract stands in docs/program-under-test.md.
"""

import array
import os
import sys


def main() -> int:
    # The same values are arguments (--block) and environment variables; a script finds the latter sooner.
    block = int(os.environ["LOMBARD_BLOCK"])
    inputs = int(os.environ["LOMBARD_INPUTS"])  # microphones, then receive
    if os.environ["LOMBARD_CONTRACT"] != "1" or sys.byteorder != "little":
        print("made for contract 1 on a little-endian machine", file=sys.stderr)
        return 2
    size = 4 * block * inputs
    while len(data := sys.stdin.buffer.read(size)) == size:
        frames = array.array("f", data)
        out = array.array("f", bytes(8 * block))
        out[0::2] = frames[0::inputs]  # send
        out[1::2] = frames[inputs - 1 :: inputs]  # loudspeaker
        sys.stdout.buffer.write(out.tobytes())
        sys.stdout.buffer.flush()  # the bench waits for it
    return 0


sys.exit(main())
