#!/usr/bin/env python3
"""Makes signals.json: what numpy and scipy say the signals of the catalogue are, from the definitions alone.

Run: pip install numpy scipy; python3 signals.py > signals.json
The tables come from signals/catalogue.toml as data (voiced sounds, Hoth densities); formulas are written anew here.
"""
import json
import pathlib
import tomllib
from importlib.metadata import version

import numpy as np
from scipy import integrate

RATES = [8000, 16000, 32000, 44100, 48000, 96000]
catalogue = tomllib.loads(
    (pathlib.Path(__file__).resolve().parents[2] / "signals" / "catalogue.toml").read_text()
)
voiced = {one["id"]: np.array(one["samples"], float) for one in catalogue["voiced"]}
shapes = {one["id"]: one["corners"] for one in catalogue["shape"]}


def framing(voiced_frames, noise_frames, cycle_frames):
    """Counts at 44.1 kHz carried to other rates; the milliseconds of P.501 are these, rounded."""
    rows = {}
    for rate in RATES:
        at = lambda frames: int(np.floor(frames * rate / 44100 + 0.5))
        assert (cycle_frames * rate) % 44100 == 0
        rows[str(rate)] = [at(voiced_frames), at(voiced_frames + noise_frames), at(cycle_frames)]
    return rows


def voiced_at(table, rate, count, highest):
    """The table as a band-limited periodic function, by numpy's FFT."""
    size = len(table)
    spectrum = np.fft.rfft(table) / size
    t = np.arange(count) / rate
    out = np.full(count, spectrum[0].real)
    for n in range(1, len(spectrum)):
        if n * 44100 / size > highest:
            break
        twins = 1.0 if 2 * n == size else 2.0
        out += twins * np.real(spectrum[n] * np.exp(2j * np.pi * n * 44100 / size * t))
    return out


def comb(number):
    if number == 1:
        rows = [(125, 2.5), (250, 5), (500, 10), (750, 15), (1000, 20), (1250, 25), (1500, 30), (1750, 35)]
        return rows + [(f, 40) for f in range(2000, 7001, 250)]
    rows = [(180, 2.5), (270, 5), (540, 10), (810, 15), (1080, 20), (1350, 25), (1620, 30), (1890, 35), (2160, 35)]
    return rows + [(f, 35) for f in range(2400, 6901, 250)]


def am_fm(number, rate, high):
    """P.501 7.2.4 over one second, which is its period, at an RMS of 1."""
    t = np.arange(rate) / rate
    total = np.zeros(rate)
    for f, df in comb(number):
        if f + df > high:
            continue
        a = 10 ** (-5 * max(0.0, np.log2(f / 250)) / 20)
        total += a * np.cos(2 * np.pi * f * t + df * np.sin(2 * np.pi * t))
    s = (1 + 2 / 3 * np.cos(2 * np.pi * 3 * t)) * total
    return s / np.sqrt(np.mean(s**2))


def sweep(f1, f2, seconds, fade_s, rate):
    t = np.arange(int(seconds * rate)) / rate
    r = np.log(f2 / f1)
    s = np.sin(2 * np.pi * f1 * seconds / r * (np.exp(t * r / seconds) - 1))
    n = int(fade_s * rate)
    gain = 0.5 - 0.5 * np.cos(np.pi * (np.arange(n) + 0.5) / n)
    s[:n] *= gain
    s[-n:] *= gain[::-1]
    return s / np.sqrt(np.mean(s**2))


def a_weight_db(f):
    f = np.asarray(f, float)
    r = 12194**2 * f**4 / ((f**2 + 20.6**2) * np.sqrt((f**2 + 107.7**2) * (f**2 + 737.9**2)) * (f**2 + 12194**2))
    return 20 * np.log10(r) + 2.0


def p50_density(f):
    x = np.log10(f)
    return -376.44 + 465.439 * x - 157.745 * x**2 + 16.7124 * x**3


def third(nominal):
    mid = 10 ** (round(10 * np.log10(nominal)) / 10)
    return mid, mid * 10**-0.05, mid * 10**0.05


def pick(samples):
    """Some samples, spread over the signal by a stride that shares no factor with any period."""
    places = [(k * 7919) % len(samples) for k in range(40)]
    return {"places": places, "samples": [float(samples[k]) for k in places]}


hoth = [(f, third(f), density) for f, density in shapes["hoth"]]
hoth_bands = [density + 10 * np.log10(high - low) for _, (_, low, high), density in hoth]
hoth_a = 10 * np.log10(sum(10 ** ((l + a_weight_db(t[0])) / 10) for l, (_, t, _) in zip(hoth_bands, hoth)))
p50 = [f for f, _ in shapes["hoth"] if 125 <= f <= 6300]
p50_bands = [
    10 * np.log10(integrate.quad(lambda f: 10 ** (p50_density(f) / 10), third(f)[1], third(f)[2])[0]) for f in p50
]
whole = 10 * np.log10(integrate.quad(lambda f: 10 ** (p50_density(f) / 10), 100, 8000, limit=200)[0])

table = voiced["single-talk"]
result = {
    "made_with": {"numpy": version("numpy"), "scipy": version("scipy")},
    "date": "2026-11-25",
    "framing": {"single": framing(2144, 8820, 15435), "double": framing(3206, 8820, 17640), "bursts": framing(2144, 8820, 30870)},
    "voiced_table": {
        name: {
            "count": len(x),
            "rms": float(np.sqrt(np.mean(x**2))),
            "crest_db": float(20 * np.log10(np.max(np.abs(x)) / np.sqrt(np.mean(x**2)))),
        }
        for name, x in voiced.items()
    },
    # The voiced part at its RMS of 1, as the period has it: whole, and for narrow band.
    "voiced": [
        {"id": id, "rate": rate, **pick(v / np.sqrt(np.mean(v**2)))}
        for id, name, rate, highest, count in [
            ("css-fb", "single-talk", 48000, 0.45 * 48000, 2334),
            ("css-fb", "single-talk", 16000, 7200, 778),
            ("css-fb", "single-talk", 8000, 3600, 389),
            ("css-nb", "single-talk", 48000, 3600, 2334),
            ("css-dt-fb", "double-talk", 48000, 0.45 * 48000, 3490),
        ]
        for v in [voiced_at(voiced[name], rate, count, highest)]
    ],
    "am_fm": [
        {"id": id, "rate": rate, **pick(am_fm(number, rate, high))}
        for id, number, rate, high in [
            ("am-fm-1", 1, 48000, 1e9),
            ("am-fm-2", 2, 48000, 1e9),
            ("am-fm-1", 1, 44100, 1e9),
            ("am-fm-1", 1, 8000, 3960),
            ("am-fm-2", 2, 8000, 3960),
            ("am-fm-1-nb", 1, 48000, 4000),
            ("am-fm-2-nb", 2, 48000, 4000),
        ]
    ],
    "sweep": [
        {"id": id, "rate": rate, **pick(sweep(f1, f2, 6, 0.01, rate))}
        for id, f1, f2, rate in [("sweep-fb", 20, 20000, 48000), ("sweep-wb", 50, 7200, 16000), ("sweep-nb", 100, 3600, 8000)]
    ],
    "hoth": {"mid_hz": [t[0] for _, t, _ in hoth], "band_db": [float(x) for x in hoth_bands], "a_weighted_db": float(hoth_a)},
    "p50": {"mid_hz": [third(f)[0] for f in p50], "band_db": [float(x) for x in p50_bands], "total_db": float(whole)},
}
print(json.dumps(result, indent=1))
