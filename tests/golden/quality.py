#!/usr/bin/env python3
"""Makes quality.json: what pesq and pystoi score on degraded speech that tests/meters/quality.rs makes again.

Run beside the repository's signals: pip install numpy scipy pesq pystoi; python3 quality.py > quality.json
All degradations are whole-number arithmetic on 16-bit samples, so both sides score the same signals.
"""
import importlib.metadata
import json
import pathlib
import datetime

import numpy as np
from scipy.io import wavfile
from pesq import pesq
from pystoi import stoi

SPEECH = pathlib.Path(__file__).parents[2] / "signals/speech"


def noise(count, seed):
    """As in dsp.py: uniform from -1 to 1."""
    out, state = np.empty(count), seed
    for n in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        out[n] = (state >> 11) / 2**52 - 1.0
    return out


def degraded(x, how):
    x = x.astype(np.int64)
    if how == "noise":
        x = x + np.floor(noise(len(x), 7) * 600.0).astype(np.int64)
    elif how == "clipped":
        x = np.clip(x, -1500, 1500)
    elif how == "coarse":
        x = (x >> 9) << 9
    elif how == "gaps":
        x = np.where(np.arange(len(x)) % 8000 < 800, 0, x)
    return np.clip(x, -32768, 32767).astype(np.int16)


speech = np.concatenate([wavfile.read(SPEECH / name)[1] for name in ("en-f-1.wav", "en-m-1.wav")])
wide = speech.astype(np.int64)
wide = wide[: len(wide) // 2 * 2]
narrow = ((wide[0::2] + wide[1::2]) >> 1).astype(np.int16)
wide = wide.astype(np.int16)
cases = []
for how in ("noise", "clipped", "coarse", "gaps"):
    cases.append({
        "how": how,
        "pesq_nb_8k": float(pesq(8000, narrow, degraded(narrow, how), "nb")),
        "pesq_wb_16k": float(pesq(16000, wide, degraded(wide, how), "wb")),
        "stoi_10k": float(stoi(narrow / 32768, degraded(narrow, how) / 32768, 10000)),
        "stoi_16k": float(stoi(wide / 32768, degraded(wide, how) / 32768, 16000)),
    })
print(json.dumps({
    "date": datetime.date.today().isoformat(),
    "tools": {name: importlib.metadata.version(name) for name in ("numpy", "scipy", "pesq", "pystoi")},
    "cases": cases,
}, indent=1))
