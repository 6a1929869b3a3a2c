#!/usr/bin/env python3
"""Makes bands.json: band levels of two filter banks of other makers, of scipy's filters, and of sums over a DFT.

Run: pip install numpy scipy soundfile pyfar PyOctaveBand; python3 bands.py > bands.json
The signals are the car noise of ../reference and the noise of dsp.py.
"""
import datetime
import importlib.metadata
import json
import pathlib

import numpy as np
import pyfar
import pyoctaveband
import soundfile
from scipy import signal

CAR = pathlib.Path(__file__).parents[1] / "reference/bnd05_carnoise_48k.wav"
G = 10**0.3


def noise(count, seed):
    """As in dsp.py: uniform from -1 to 1."""
    out, state = np.empty(count), seed
    for n in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        out[n] = (state >> 11) / 2**52 - 1.0
    return out


def db(power):
    return [round(float(10 * np.log10(p)), 6) for p in power]


def midbands(fraction, first, last):
    """Midbands whose index runs from first to last; even fractions lie half a step beside 1 kHz."""
    shift = 0.5 if fraction % 2 == 0 else 0.0
    return 1000 * G ** ((np.arange(first, last + 1) + shift) / fraction)


def by_dft(x, rate, fraction, mids):
    """The power below a frequency is a broken line: each bin spreads its own from half a bin below to half above."""
    power = np.abs(np.fft.rfft(x)) ** 2 / len(x) ** 2
    power[1:] *= 2
    if len(x) % 2 == 0:
        power[-1] /= 2
    edges = np.append((np.arange(len(power)) - 0.5) * rate / len(x), 0)[:-1]
    edges = np.append(np.maximum(edges, 0), rate / 2)
    below = np.append(0, np.cumsum(power))
    at = lambda f: np.interp(f, edges, below)
    return at(mids * G ** (0.5 / fraction)) - at(mids * G ** (-0.5 / fraction))


def by_scipy(x, rate, fraction, mids):
    out = []
    for mid in mids:
        sos = signal.butter(4, [mid * G ** (-0.5 / fraction), mid * G ** (0.5 / fraction)], "bandpass", fs=rate, output="sos")
        out.append(np.mean(signal.sosfilt(sos, x) ** 2))
    return np.array(out)


def by_pyfar(x, rate, fraction, last_hz):
    bank = pyfar.dsp.filter.fractional_octave_bands(pyfar.Signal(x, rate), fraction, frequency_range=(20, last_hz), order=4)
    return np.mean(bank.time.reshape(-1, len(x)) ** 2, axis=1)


def by_pyoctaveband(x, rate, fraction, last_hz):
    levels, freqs = pyoctaveband.octavefilter(x, rate, fraction=fraction, order=6, limits=[20, last_hz], detrend=False, dbfs=True)
    return [float(f) for f in freqs], [round(float(v), 6) for v in levels]


car, car_rate = soundfile.read(CAR)
white = noise(160_001, 21)  # an odd length; 10 s at 16 kHz
cases = []
for name, x, rate, last, last_hz in [("car noise", car, car_rate, 13, 20_000), ("white noise", white, 16_000, 8, 6300)]:
    mids = midbands(3, -17, last)
    freqs, levels = by_pyoctaveband(x, rate, 3, last_hz)
    case = {"signal": name, "rate": rate, "midbands_hz": [float(m) for m in mids], "dft": db(by_dft(x, rate, 3, mids)),
            "scipy": db(by_scipy(x, rate, 3, mids)), "pyfar": db(by_pyfar(x, rate, 3, last_hz)),
            "pyoctaveband_hz": freqs, "pyoctaveband": levels, "fractions": []}
    for fraction, first in [(1, -5), (6, -33), (12, -60), (24, -100)]:
        top = {1: 2, 6: 15, 12: 30, 24: 60}[fraction]
        mids = midbands(fraction, first, top)
        case["fractions"].append({"per_octave": fraction, "midbands_hz": [float(m) for m in mids],
                                  "dft": db(by_dft(x, rate, fraction, mids)), "scipy": db(by_scipy(x, rate, fraction, mids))})
    cases.append(case)
tools = {p: importlib.metadata.version(p) for p in ("numpy", "scipy", "soundfile", "pyfar", "PyOctaveBand")}
print(json.dumps({"date": str(datetime.date.today()), "tools": tools, "cases": cases}, indent=0))
