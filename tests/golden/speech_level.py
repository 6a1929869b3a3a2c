#!/usr/bin/env python3
"""Makes speech_level.json: active speech levels by P.56 method B on signals that tests/meters/levels.rs makes again.

Run: pip install numpy scipy; python3 speech_level.py > speech_level.json
Written from the Recommendation's equations with whole arrays: the envelope by scipy's recursive filter, activity by
intervals between crossings, interpolation where A − C = 15.9 dB. Nothing is shared with the meter, nor with dsp.py.
"""
import datetime
import importlib.metadata
import json

import numpy as np
from scipy.signal import lfilter


def noise(count, seed):
    """As in dsp.py: uniform from -1 to 1."""
    out, state = np.empty(count), seed
    for n in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        out[n] = (state >> 11) / 2**52 - 1.0
    return out


def talk(rate, seconds, on_ms, off_ms, level, floor, seed):
    """Bursts that swell and fade linearly, over noise that never stops."""
    n = rate * seconds
    on, period = rate * on_ms // 1000, rate * (on_ms + off_ms) // 1000
    place = np.arange(n) % period
    swell = np.where(place < on, 1.0 - np.abs(2.0 * place - on) / on, 0.0)
    return (level * swell + floor) * noise(n, seed)


def p56(x, rate):
    g = np.exp(-1.0 / (0.03 * rate))
    smooth = lambda v: lfilter([1.0 - g], [1.0, -g], v)
    q = smooth(smooth(np.abs(x)))
    hang = int(np.floor(0.2 * rate + 0.5))
    energy = float(np.dot(x, x))
    levels = []
    for j in range(-15, 0):
        above = q >= 2.0**j
        if not above.any():
            break
        # For each frame the frames since the last one above; active if there was one within the hangover.
        last = np.maximum.accumulate(np.where(above, np.arange(len(x)), -1))
        active = np.count_nonzero((last >= 0) & (np.arange(len(x)) - last <= hang))
        levels.append((10 * np.log10(energy / active), 20 * np.log10(2.0**j)))
    margins = [a - c - 15.9 for a, c in levels]
    if not margins or margins[0] < 0:
        return None
    up = next((j for j, m in enumerate(margins) if m <= 0), None)
    if up is None:
        return None
    level = float(np.interp(0.0, [margins[up], margins[up - 1]], [levels[up][0], levels[up - 1][0]])) if up else levels[0][0]
    rms = 10 * np.log10(energy / len(x))
    return {"active_level_dbov": level, "rms_level_dbov": float(rms), "activity_percent": float(100 * 10 ** ((rms - level) / 10))}


cases = []
for i, (rate, seconds, on_ms, off_ms, level, floor) in enumerate([
    (8000, 12, 500, 500, 0.3, 0.0), (8000, 12, 1200, 800, 0.9, 0.001), (8000, 15, 60, 1440, 0.5, 0.0),
    (16000, 10, 700, 1300, 0.05, 0.002), (16000, 10, 350, 150, 0.2, 0.03), (32000, 8, 1500, 500, 0.1, 0.0),
    (44100, 6, 400, 600, 0.6, 0.01), (48000, 6, 249, 451, 0.9, 0.0), (48000, 6, 2000, 1000, 0.02, 0.0005),
    (48000, 6, 900, 2100, 0.7, 0.1), (96000, 4, 600, 400, 0.25, 0.004), (96000, 4, 300, 700, 0.03, 0.0),
    (8000, 5, 500, 500, 0.0002, 0.0),
]):
    case = {"rate": rate, "seconds": seconds, "on_ms": on_ms, "off_ms": off_ms, "level": level, "floor": floor, "seed": 40 + i}
    case["expected"] = p56(talk(rate, seconds, on_ms, off_ms, level, floor, 40 + i), rate)
    cases.append(case)
tools = {p: importlib.metadata.version(p) for p in ("numpy", "scipy")}
print(json.dumps({"date": str(datetime.date.today()), "tools": tools, "cases": cases}, indent=1))
