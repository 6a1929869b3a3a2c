#!/usr/bin/env python3
"""Makes distortion.json: what a least-squares fit of scipy finds in signals that tests/meters/distortion.rs makes again.

Run: pip install numpy scipy; python3 distortion.py > distortion.json
"""
import json
import re
from importlib.metadata import version

import numpy as np
from scipy.optimize import least_squares

DATE = "2026-11-25"


def noise(count, seed):
    """Uniform from -1 to 1 by a 64-bit linear congruential generator; exact in double precision."""
    out, state = [], seed
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        out.append((state >> 11) / 2**52 - 1.0)
    return np.array(out)


def fit(x, rate, start_hz, orders):
    """Offset, sine and cosine of every order, and the frequency: variable projection, unweighted."""
    t = np.arange(len(x)) / rate

    def columns(freq_hz):
        turns = 2 * np.pi * freq_hz * np.outer(t, orders)
        return np.hstack([np.ones((len(t), 1)), np.cos(turns), np.sin(turns)])

    def rest(p):
        m = columns(p[0] + start_hz)
        return x - m @ np.linalg.lstsq(m, x, rcond=None)[0]

    found = least_squares(rest, [0.0], x_scale=1e-3, xtol=1e-15, ftol=1e-15, gtol=1e-15)
    freq_hz = start_hz + found.x[0]
    c = np.linalg.lstsq(columns(freq_hz), x, rcond=None)[0]
    k = len(orders)
    return freq_hz, np.hypot(c[1:1 + k], c[1 + k:]), c


cases = []
for name, rate, freq_hz, asked_hz, frames, seed in [
        ("limiter at 1 kHz", 48000, 1000.37, 1000.0, 24000, 11), ("limiter at 315 Hz", 16000, 314.9, 315.0, 7777, 12)]:
    t = np.arange(frames) / rate
    v = 0.6 * np.sin(2 * np.pi * freq_hz * t + 0.3)
    x = (1 + 0.05 * v) * v / np.sqrt(1 + 0.1 * v * v) + 0.0005 * noise(frames, seed) + 0.002
    orders = np.arange(1, 21)
    found_hz, amplitude, c = fit(x, rate, asked_hz, orders)
    # Without the fundamental and the offset: from 20 Hz to Nyquist by the DFT of what is left.
    turns = 2 * np.pi * found_hz * t
    rest = x - c[0] - c[1] * np.cos(turns) - c[1 + len(orders)] * np.sin(turns)
    power = np.abs(np.fft.rfft(rest))**2 / frames**2 * 2
    power[0] /= 2
    if frames % 2 == 0:
        power[-1] /= 2
    kept = power[np.fft.rfftfreq(frames, 1 / rate) >= 20].sum()
    harmonics = 100 * amplitude[1:10] / amplitude[0]
    cases.append({"name": name, "rate": rate, "freq_hz": freq_hz, "asked_hz": asked_hz, "frames": frames, "seed": seed,
                  "found_hz": float(f"{found_hz:.12g}"),
                  "harmonics_percent": [float(f"{v:.9g}") for v in harmonics],
                  "thd_percent": float(f"{np.sqrt(np.sum(harmonics**2)):.9g}"),
                  "thd_n_percent": float(f"{100 * np.sqrt(kept / (amplitude[0]**2 / 2)):.9g}")})
out = {"made_with": {"numpy": version("numpy"), "scipy": version("scipy")}, "date": DATE, "cases": cases}
# Rows of numbers on one line each.
print(re.sub(r"\[\s+([-\d.eE+,\s]+?)\s+\]", lambda m: "[" + re.sub(r"\s+", " ", m[1]) + "]", json.dumps(out, indent=1)))
