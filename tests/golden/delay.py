#!/usr/bin/env python3
"""Makes delay.json: noise delayed between frames by turning phases, and what scipy's correlation says of the delay.

Run: pip install numpy scipy; python3 delay.py > delay.json
The reference is the noise of dsp.py; the delayed copy is made over a period four times as long, so nothing wraps.
"""
import datetime
import importlib.metadata
import json

import numpy as np
from scipy import signal

RATE, LENGTH = 8000, 1200


def noise(count, seed):
    """As in dsp.py: uniform from -1 to 1."""
    out, state = np.empty(count), seed
    for n in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        out[n] = (state >> 11) / 2**52 - 1.0
    return out


def measured(a, b):
    """The maximum of the correlation, 64 values per frame by a Fourier series, then a parabola."""
    fine = 64
    c = signal.correlate(b, a, mode="full")
    c = np.append(c, np.zeros(2 * len(c)))
    c = np.abs(signal.resample(c, len(c) * fine))
    i = int(np.argmax(c))
    y0, y1, y2 = c[i - 1 : i + 2]
    return float((i + 0.5 * (y0 - y2) / (y0 - 2 * y1 + y2)) / fine - (len(a) - 1))


cases = []
for seed, delay, sign in [(61, 37.3, 1), (62, 0.5, -1), (63, 111.87, 1), (64, -20.25, -1)]:
    # Nothing near Nyquist, where a delay between frames has no one answer for a real signal.
    a = signal.sosfiltfilt(signal.butter(8, 3400, fs=RATE, output="sos"), np.pad(noise(LENGTH, seed), 300))
    period = 4 * len(a)
    turned = np.fft.rfft(a, period) * np.exp(-2j * np.pi * np.fft.rfftfreq(period) * delay)
    b = sign * np.fft.irfft(turned, period)[: len(a) + 150]
    a, b = np.round(a, 6), np.round(b, 6)
    cases.append({"delay_frames": delay, "polarity": sign, "scipy_frames": round(measured(a, b), 6),
                  "reference": a.tolist(), "recording": b.tolist()})
tools = {p: importlib.metadata.version(p) for p in ("numpy", "scipy")}
print(json.dumps({"date": str(datetime.date.today()), "tools": tools, "rate": RATE, "cases": cases}))
