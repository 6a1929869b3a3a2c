#!/usr/bin/env python3
"""Makes dsp.json: what numpy and scipy say about signals that tests/dsp_golden.rs makes again.

Run: pip install numpy scipy; python3 dsp.py > dsp.json      (made with numpy 2.4.6, scipy 1.17.1)
"""
import json
import re

import numpy as np
from scipy import signal


def noise(count, seed):
    """Uniform from -1 to 1 by a 64-bit linear congruential generator; exact in double precision."""
    out, state = [], seed
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        out.append((state >> 11) / 2**52 - 1.0)
    return np.array(out)


def talk(rate, seconds, on_s, off_s, level, seed):
    """Bursts of noise with a slow tremor: what a P.56 meter finds hard is the gaps."""
    n = int(rate * seconds)
    k = np.arange(n)
    period, on = int(rate * (on_s + off_s)), int(rate * on_s)
    return level * noise(n, seed) * (1.0 + 0.5 * np.sin(2 * np.pi * 3.0 * k / rate)) * (k % period < on)


def p56(x, rate):
    """P.56 method B as methods describe it, sample by sample, thresholds one by one."""
    g, hang = np.exp(-1 / (rate * 0.03)), int(0.2 * rate + 0.5)
    c = [2.0 ** (j - 15) for j in range(15)]
    a, h = [0] * 15, [hang] * 15
    p = q = 0.0
    for v in x:
        p = g * p + (1 - g) * abs(v)
        q = g * q + (1 - g) * p
        for j in range(15):
            if q >= c[j]:
                a[j] += 1
                h[j] = 0
            elif h[j] < hang:
                a[j] += 1
                h[j] += 1
    sq = float(np.sum(x * x))
    before = None
    for j in range(15):
        if a[j] == 0:
            return None
        act, thr = 10 * np.log10(sq / a[j]), 20 * np.log10(c[j])
        d = act - thr - 15.9
        if j == 0 and d < 0:
            return None
        if d <= 0:
            t = before[1] / (before[1] - d)
            level = before[0] + t * (act - before[0])
            rms = 10 * np.log10(sq / len(x))
            return [float(level), float(rms), float(100 * 10 ** ((rms - level) / 10))]
        before = (act, d)
    return None


def rounded(values):
    return [float(f"{v:.15g}") for v in values]


out = {}
x = noise(4000, 1) + 0.3
out["welch"] = [
    {"window": name, "size": size, "overlap": overlap,
     "density": rounded(signal.welch(x, 8000, window=win, nperseg=size, noverlap=round(size * overlap),
                                     detrend=False)[1])}
    for name, win, size, overlap in [
        ("hann", "hann", 128, 0.5), ("blackman-harris", "blackmanharris", 100, 0.75),
        ("rectangular", "boxcar", 75, 0.0)]
]
y = noise(997, 2)  # a prime length
out["record_power"] = rounded(signal.periodogram(y, 8000, window="boxcar", detrend=False, scaling="spectrum")[1][:40])
a, b = noise(60, 3), noise(45, 4)
out["correlate"] = rounded(signal.correlate(b, a, mode="full"))
out["convolve"] = rounded(np.convolve(a, b))
out["meter_35ms"] = rounded(
    signal.lfilter([1 - np.exp(-1 / (8000 * 0.035))], [1, -np.exp(-1 / (8000 * 0.035))], x * x)[79::80])
out["speech_level"] = [
    {"rate": rate, "seconds": s, "on": on, "off": off, "level": level, "seed": seed,
     "expected": p56(talk(rate, s, on, off, level, seed), rate)}
    for rate, s, on, off, level, seed in [
        (8000, 6.0, 0.5, 0.5, 0.3, 5), (16000, 5.0, 0.7, 1.3, 0.05, 6), (48000, 4.0, 0.24862, 0.45138, 0.9, 7),
        (8000, 8.0, 0.03, 1.97, 0.5, 8), (48000, 3.0, 3.0, 0.0, 0.01, 9), (8000, 2.0, 1.0, 1.0, 0.0001, 10)]
]
freqs = [10.0, 100.0, 300.0, 1000.0, 3000.0, 3400.0, 3900.0]
out["butterworth"] = []
for kind in ("lowpass", "highpass"):
    for order in (1, 2, 3, 4, 5, 8):
        sos = signal.butter(order, 300.0, kind, fs=8000, output="sos")
        gain = 20 * np.log10(np.abs(signal.freqz_sos(sos, freqs, fs=8000)[1]))
        impulse = np.zeros(12)
        impulse[0] = 1.0
        out["butterworth"].append({"kind": kind, "order": order, "gain_db": rounded(gain),
                                   "impulse": rounded(signal.sosfilt(sos, impulse))})
out["butterworth_freqs_hz"] = freqs
# Rows of numbers on one line each.
print(re.sub(r"\[\s+([-\d.eE+,\s]+?)\s+\]", lambda m: "[" + re.sub(r"\s+", " ", m[1]) + "]", json.dumps(out, indent=1)))
