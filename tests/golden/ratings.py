#!/usr/bin/env python3
"""Makes ratings.json: loudness ratings by the formula of P.79 and coupling losses by G.122 B.4, in numpy.

Run: pip install numpy scipy; python3 ratings.py > ratings.json
The weights are typed in again from the table, the integral is scipy's trapezoid rule over log10 f.
"""
import datetime
import importlib.metadata
import json

import numpy as np
from scipy.integrate import trapezoid

F = 1000 * 10 ** (np.arange(-10, 10) / 10)
WS = dict(zip(range(1, 21), [154.5, 115.4, 89.0, 76.9, 62.6, 62.0, 44.7, 53.1, 48.5, 47.6, 50.1, 59.1, 56.7, 72.2, 72.6,
                             89.2, 117.0, 157.3, 172.2, 181.7]))
WR = dict(zip(range(1, 21), [152.8, 116.2, 91.3, 85.0, 74.7, 79.0, 63.7, 73.5, 69.1, 68.0, 68.7, 75.1, 70.4, 81.4, 76.5,
                             93.3, 113.8, 144.6, 165.8, 166.7]))


def weights(table, wide):
    return {i: w + (0.3 if wide and 4 <= i <= 17 else 0.0) for i, w in table.items()}


def rating(s, table, first, last):
    total = sum(10 ** (0.0175 * (s[i - 1] - table[i])) for i in range(first, last + 1))
    return float(-57.142857142857146 * np.log10(total))


def coupling(loss, lo, hi):
    """The mean power ratio over log f between the edges, end values held."""
    inside = (F >= lo * (1 - 1e-9)) & (F <= hi)
    f = np.concatenate([[lo], F[inside], [hi]])
    a = 10 ** (-np.asarray(loss)[inside] / 10)
    a = np.concatenate([[a[0]], a, [a[-1]]])
    mean = trapezoid(a, np.log10(f)) / np.log10(hi / lo)
    return float(-10 * np.log10(mean))


rng = np.random.default_rng(20261125)
cases = []
for _ in range(6):
    s = np.round(rng.normal(-15, 8, 20), 2)
    loss = np.round(rng.normal(46, 6, 20), 2)
    cases.append({
        "sensitivity_db": s.tolist(),
        "slr_nb": rating(s, weights(WS, False), 4, 17),
        "rlr_nb": rating(s, weights(WR, False), 4, 17),
        "slr_wb": rating(s, weights(WS, True), 1, 20),
        "rlr_wb": rating(s, weights(WR, True), 1, 20),
        "loss_db": loss.tolist(),
        "tclw": coupling(loss, 300, 3400),
        "tcl": coupling(loss, 100, 8000),
        "tcl_6700": coupling(loss, 300, 6700),
    })
print(json.dumps({
    "date": datetime.date.today().isoformat(),
    "tools": {name: importlib.metadata.version(name) for name in ("numpy", "scipy")},
    "cases": cases,
}, indent=1))
