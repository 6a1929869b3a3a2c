#!/usr/bin/env python3
"""Cuts the sentences of this folder from Debian packages.

    apt-get download asterisk-core-sounds-{en,fr,it}-g722 pocketsphinx-testdata
    pip install numpy==2.4.6 G722==1.2.8
    python3 make_speech.py FOLDER_WITH_THE_DEBS [OUT]

Every sentence is cut at the times below, faded in and out over 10 ms, scaled to an active speech
level of -26 dBov (P.56 method B) and written as 16-bit mono WAV at 16 kHz. Nothing is filtered,
denoised or compressed. The script stops if a sentence holds a run of digital zeros or clips.
"""

import io
import struct
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

import numpy as np
from G722 import G722

RATE = 16_000
LEVEL_DBOV = -26.0
FADE_S = 0.010
# Longest run of exact zeros that decoded speech may hold: 1 ms.
ZERO_RUN_MAX = 16

EN = "usr/share/asterisk/sounds/en_US_f_Allison"
FR = "usr/share/asterisk/sounds/fr_CA_f_June"
IT = "usr/share/asterisk/sounds/it_IT_m_Carlo"
LIBRIVOX = "usr/share/pocketsphinx/test/data/librivox/sense_and_sensibility_01_austen_64kb-"

# name: (package, file, start in s, end in s)
SENTENCES = {
    "en-f-1": ("asterisk-core-sounds-en-g722", f"{EN}/vm-nonumber.g722", 0.11, 2.91),
    "en-f-2": ("asterisk-core-sounds-en-g722", f"{EN}/vm-savefolder.g722", 0.08, 2.67),
    "en-f-3": ("asterisk-core-sounds-en-g722", f"{EN}/vm-nobodyavail.g722", 0.08, 2.68),
    "en-f-4": ("asterisk-core-sounds-en-g722", f"{EN}/conf-onlyperson.g722", 0.07, 3.04),
    "en-f-5": ("asterisk-core-sounds-en-g722", f"{EN}/vm-sorry.g722", 0.15, 2.91),
    "fr-f-1": ("asterisk-core-sounds-fr-g722", f"{FR}/demo-nomatch.g722", 0.02, 2.80),
    "fr-f-2": ("asterisk-core-sounds-fr-g722", f"{FR}/vm-nobodyavail.g722", 0.02, 2.67),
    "fr-f-3": ("asterisk-core-sounds-fr-g722", f"{FR}/vm-tempgreetactive.g722", 0.02, 2.84),
    "fr-f-4": ("asterisk-core-sounds-fr-g722", f"{FR}/conf-onlyone.g722", 0.02, 2.90),
    "fr-f-5": ("asterisk-core-sounds-fr-g722", f"{FR}/dir-nomatch.g722", 0.01, 2.65),
    "it-m-1": ("asterisk-core-sounds-it-g722", f"{IT}/pls-hold-while-try.g722", 0.04, 2.855),
    "it-m-2": ("asterisk-core-sounds-it-g722", f"{IT}/check-number-dial-again.g722", 0.03, 2.855),
    "it-m-3": ("asterisk-core-sounds-it-g722", f"{IT}/confbridge-begin-leader.g722", 0.0, 2.465),
    "it-m-4": ("asterisk-core-sounds-it-g722", f"{IT}/please-try-call-later.g722", 0.0, 2.99),
    "it-m-5": ("asterisk-core-sounds-it-g722", f"{IT}/vm-dialout.g722", 0.0, 2.495),
    "en-m-1": ("pocketsphinx-testdata", f"{LIBRIVOX}0880.wav", 0.17, 2.83),
    "en-m-2": ("pocketsphinx-testdata", f"{LIBRIVOX}0930.wav", 0.18, 3.05),
    "en-m-3": ("pocketsphinx-testdata", f"{LIBRIVOX}0920.wav", 0.19, 2.55),
    "en-m-4": ("pocketsphinx-testdata", f"{LIBRIVOX}0920.wav", 2.55, 5.74),
}


def active_level_dbov(x):
    """P.56 method B with exact interpolation; x in full scale."""
    g = np.exp(-1.0 / (RATE * 0.03))
    hang = int(np.floor(0.2 * RATE + 0.5))
    p = q = 0.0
    envelope = np.empty(len(x))
    for n, a in enumerate(np.abs(x)):
        p = g * p + (1 - g) * a
        q = g * q + (1 - g) * p
        envelope[n] = q
    square = float(np.sum(x * x))
    previous = None
    for j in range(15):
        c = 2.0 ** (j - 15)
        above = np.flatnonzero(envelope >= c)
        # A sample is active if the envelope was over the threshold at most `hang` samples ago.
        last = np.full(len(x), -(10**9))
        last[above] = above
        last = np.maximum.accumulate(last)
        active = int(np.sum(np.arange(len(x)) - last <= hang))
        if active == 0:
            break
        level, threshold = 10 * np.log10(square / active), 20 * np.log10(c)
        margin = level - threshold - 15.9
        if margin <= 0 and previous is not None:
            share = previous[1] / (previous[1] - margin)
            return previous[0] + share * (level - previous[0])
        previous = (level, margin)
    raise ValueError("no speech")


def zero_run(x):
    best = run = 0
    for value in x:
        run = run + 1 if value == 0 else 0
        best = max(best, run)
    return best


def decode(path):
    if path.suffix == ".g722":
        return np.array(G722(RATE, 64_000).decode(path.read_bytes()), dtype=float) / 32768.0
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        frames = file.readframes(file.getnframes())
    return np.frombuffer(frames, dtype="<i2").astype(float) / 32768.0


def wav(pcm):
    body = pcm.astype("<i2").tobytes()
    head = io.BytesIO()
    head.write(b"RIFF" + struct.pack("<I", 36 + len(body)) + b"WAVEfmt ")
    head.write(struct.pack("<IHHIIHH", 16, 1, 1, RATE, 2 * RATE, 2, 16))
    head.write(b"data" + struct.pack("<I", len(body)))
    return head.getvalue() + body


def main():
    debs = Path(sys.argv[1])
    out = Path(sys.argv[2] if len(sys.argv) > 2 else Path(__file__).parent)
    with tempfile.TemporaryDirectory() as folder:
        for package in sorted({one[0] for one in SENTENCES.values()}):
            (deb,) = debs.glob(f"{package}_*.deb")
            subprocess.run(["dpkg-deb", "-x", deb, Path(folder) / package], check=True)
        for name, (package, file, start, end) in SENTENCES.items():
            x = decode(Path(folder) / package / file)
            x = x[round(start * RATE) : round(end * RATE)]
            ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(round(FADE_S * RATE)) + 0.5) / round(FADE_S * RATE))
            x[: len(ramp)] *= ramp
            x[-len(ramp) :] *= ramp[::-1]
            x *= 10 ** ((LEVEL_DBOV - active_level_dbov(x)) / 20)
            pcm = np.round(x * 32768)
            assert np.abs(pcm).max() < 32767, f"{name} clips"
            middle = pcm[2 * len(ramp) : -2 * len(ramp)]
            assert zero_run(middle) <= ZERO_RUN_MAX, f"{name} holds {zero_run(middle)} zeros in a row"
            level = active_level_dbov(pcm / 32768)
            crest = 20 * np.log10(np.abs(pcm).max() / 32768) - level
            (out / f"{name}.wav").write_bytes(wav(pcm))
            print(f"{name} {len(pcm) / RATE:.3f} s {level:.2f} dBov crest {crest:.1f} dB zeros {zero_run(middle)}")


main()
