#!/usr/bin/env python3
"""Finds where single words begin and end in the English sentences of this folder.

    pip install numpy==2.4.6 pocketsphinx==5.1.1
    python3 find_words.py [FOLDER]

A forced alignment (pocketsphinx with its own US-English model) says roughly where a word is; each of its ends is
then moved to the quietest 10 ms within 70 ms of that. A word is fit to be cut out if it is quiet at both ends: at least
12 dB under the word's own level. What is printed stands in signals/catalogue.toml, by hand, and in ATTRIBUTION.md.
"""

import sys
import wave
from pathlib import Path

import numpy as np
from pocketsphinx import Decoder

RATE = 16_000
STEP = RATE // 200
BLOCK = RATE // 100
SEARCH_S = 0.070
QUIET_DB = 12.0
WORD_S = (0.22, 0.85)

TEXTS = {
    "en-f-1": "i'm afraid i don't know who sent this message",
    "en-f-2": "which folder should i save the message to",
    "en-f-3": "nobody is available to take your call at the moment",
    "en-f-4": "you are currently the only person in this conference",
    "en-f-5": "i'm sorry i did not understand your response",
    "en-m-1": "he was not an ill disposed young man",
    "en-m-2": "he might even have been made amiable himself",
    "en-m-3": "had he married a more amiable woman",
    "en-m-4": "he might have been made still more respectable than he was",
}


def samples(path):
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")


def aligned(x, text):
    decoder = Decoder(samprate=RATE, loglevel="ERROR")
    decoder.set_align_text(text)
    decoder.start_utt()
    decoder.process_raw(x.tobytes(), full_utt=True)
    decoder.end_utt()
    words = [one for one in decoder.seg() if one.word[0] not in "<["]
    return [(one.word.split("(")[0], one.start_frame / 100, (one.end_frame + 1) / 100) for one in words]


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)
    for name, text in TEXTS.items():
        pcm = samples(folder / f"{name}.wav")
        x = pcm / 32768.0
        starts = np.arange(0, len(x) - BLOCK, STEP)
        power = np.array([np.mean(x[n : n + BLOCK] ** 2) for n in starts]) + 1e-12
        middle = (starts + BLOCK / 2) / RATE
        for word, start, end in aligned(pcm, text):
            cuts = []
            for edge in (start, end):
                near = np.flatnonzero(np.abs(middle - edge) <= SEARCH_S)
                cuts.append(near[np.argmin(power[near])])
            a, b = middle[cuts[0]], middle[cuts[1]]
            if not WORD_S[0] <= b - a <= WORD_S[1]:
                continue
            level = np.mean(x[round(a * RATE) : round(b * RATE)] ** 2)
            under = [10 * np.log10(level / power[cut]) for cut in cuts]
            if min(under) >= QUIET_DB:
                print(f"{name} {word:12} {a:.3f} {b:.3f} s, {b - a:.2f} s, quiet by {under[0]:.0f} and {under[1]:.0f} dB")


main()
