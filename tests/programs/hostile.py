"""A program under test with every bad habit, one at a time: hostile.py MODE file=FILE.

FILE gets the number of the process, so that a test can see whether it is gone; in the mode "flag" it is what the program
looks for. What is not said below follows the contract of docs/program-under-test.md and passes everything through.
"""

import array
import math
import os
import sys
import time

MODE, FILE = sys.argv[1], sys.argv[2].removeprefix("file=")
BLOCK = int(os.environ["LOMBARD_BLOCK"])
INPUTS = int(os.environ["LOMBARD_INPUTS"])
OUT = sys.stdout.buffer


def say(text):
    sys.stderr.write(text)
    sys.stderr.flush()


def give(data):
    OUT.write(data)
    OUT.flush()


def hang():
    time.sleep(600)


def answer(frames, index):
    """The answer to a block, as bytes."""
    out = array.array("f", bytes(8 * BLOCK))
    out[0::2] = frames[0::INPUTS]
    out[1::2] = frames[INPUTS - 1 :: INPUTS]
    if index == 5 and MODE == "nan":
        out[2 * 7] = math.nan
    if index == 5 and MODE == "infinity":
        out[2 * 7 + 1] = math.inf
    if MODE.startswith("late:"):
        LATE.extend(out)
        out = LATE[: 2 * BLOCK]
        del LATE[: 2 * BLOCK]
    if MODE == "loud":
        out = array.array("f", [100.0 * sample for sample in out])
    return out.tobytes()


LATE = array.array("f", bytes(8 * int(MODE[5:]))) if MODE.startswith("late:") else None


def odd_block(data, index):
    """What a bad habit makes of an answer; true where that is all."""
    if index != 5:
        return False
    if MODE == "exit":
        say("warming up\nI have had enough\n")
        sys.exit(3)
    if MODE == "half":
        give(data[: len(data) // 2])
        hang()
    if MODE == "half-exit":
        give(data[: len(data) // 2])
        sys.exit(0)
    if MODE == "extra":
        give(data + b"!")
        return True
    if MODE == "double":
        give(data + data)
        return True
    if MODE == "close-output":
        os.close(1)
        hang()
    return False


def main():
    if MODE != "flag":
        with open(FILE, "w", encoding="ascii") as file:
            file.write(str(os.getpid()))
    if MODE == "hang":
        hang()
    if MODE == "slow-start":
        time.sleep(1)
    while MODE == "flood":
        give(bytes(1 << 16))
    while MODE == "unread":
        give(bytes(8 * BLOCK))
        time.sleep(0.02)
    while MODE == "shout":
        say("!" * 4096)
    index = 0
    size = 4 * BLOCK * INPUTS
    while len(data := sys.stdin.buffer.read(size)) == size:
        index += 1
        if MODE == "flag" and index == 20 and os.path.exists(FILE):
            say("the flag is up\n")
            sys.exit(9)
        if MODE == "mute":
            continue
        if MODE == "chatty":
            say("chatter " * 8192)
        out = answer(array.array("f", data), index)
        if odd_block(out, index):
            continue
        if MODE == "drip":
            for at in range(0, len(out), 1000):
                give(out[at : at + 1000])
                if index < 20:
                    time.sleep(0.002)
            continue
        give(out)
        if MODE == "close-input":
            os.close(0)
            while True:
                time.sleep(0.05)
                give(out)
    if MODE == "stubborn":
        hang()


try:
    main()
except BrokenPipeError:
    # The bench has had enough of it.
    os._exit(0)
