#!/usr/bin/env python3
"""Measures the cold build cost of every direct dependency in CPU seconds, for docs/dependencies.md.

usage: .ci/build_cost.py TARGET_DIR -- build --release --no-default-features --bin lombard

Every call of rustc goes through this script (RUSTC_WRAPPER), which notes its CPU time; wall time would
depend on what else the machine does. TARGET_DIR must not exist. A dependency is charged with the packages that
nothing else among the direct dependencies needs; what several need stands in a line of its own.
Build scripts are charged with their compilation, not with their run.
"""

import collections
import json
import os
import resource
import subprocess
import sys


def wrapped(arguments):
    """One rustc call: run it, note package and CPU seconds."""
    code = subprocess.call(arguments, close_fds=False)  # keeps cargo's jobserver open
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    name = os.environ.get("CARGO_PKG_NAME")
    if name:
        version = os.environ["CARGO_PKG_VERSION"]
        with open(os.environ["BUILD_COST_LOG"], "a", encoding="utf-8") as log:
            log.write(f"{name} {version} {usage.ru_utime + usage.ru_stime:.2f}\n")
    sys.exit(code)


def reachable(graph, roots):
    """Every package below `roots`."""
    seen, todo = set(), list(roots)
    while todo:
        package = todo.pop()
        if package not in seen:
            seen.add(package)
            todo.extend(graph[package])
    return seen


def main():
    target, cargo_arguments = sys.argv[1], sys.argv[sys.argv.index("--") + 1 :]
    os.makedirs(target)
    log = os.path.join(os.path.abspath(target), "build-cost.log")
    environment = dict(os.environ, CARGO_TARGET_DIR=os.path.abspath(target), BUILD_COST_LOG=log)
    environment["RUSTC_WRAPPER"] = os.path.abspath(__file__)
    subprocess.check_call(["cargo", *cargo_arguments], env=environment)

    features = [a for a in cargo_arguments if a in ("--no-default-features", "--all-features")]
    host = subprocess.check_output(["rustc", "-vV"], text=True).split("host: ")[1].split()[0]
    metadata = json.loads(
        subprocess.check_output(
            ["cargo", "metadata", "--format-version", "1", "--filter-platform", host, *features]
        )
    )
    names = {p["id"]: (p["name"], p["version"]) for p in metadata["packages"]}
    licenses = {(p["name"], p["version"]): p["license"] for p in metadata["packages"]}
    root = metadata["resolve"]["root"]
    graph = {n["id"]: [d["pkg"] for d in n["deps"]] for n in metadata["resolve"]["nodes"]}

    cost = collections.Counter()
    with open(log, encoding="utf-8") as lines:
        for line in lines:
            name, version, seconds = line.split()
            cost[(name, version)] += float(seconds)
    built = {i for i in reachable(graph, graph[root]) if names[i] in cost}
    graph[root] = [i for i in graph[root] if i in built]  # without the dependencies of tests, if none were built

    charged = set()
    rows = []
    for direct in graph[root]:
        others = reachable(graph, [d for d in graph[root] if d != direct])
        own = {i for i in reachable(graph, [direct]) - others if i in built}
        charged |= own
        rows.append((sum(cost[names[i]] for i in own), len(own), names[direct], licenses[names[direct]]))
    for seconds, count, (name, version), license_ in sorted(rows, reverse=True):
        print(f"{seconds:8.1f} s  {count:4d} packages  {name} {version}  {license_}")
    shared = {i for i in built if i not in charged}
    print(f"{sum(cost[names[i]] for i in shared):8.1f} s  {len(shared):4d} packages  needed by several")
    heavy = sorted(((cost[names[i]], names[i]) for i in shared), reverse=True)[:8]
    print("            of these:", ", ".join(f"{n} {s:.0f} s" for s, (n, _) in heavy))
    print(f"{cost[names[root]]:8.1f} s        this package")
    print(f"{sum(cost.values()):8.1f} s        in all")


if __name__ == "__main__":
    if len(sys.argv) > 1 and os.path.basename(sys.argv[1]).startswith(("rustc", "clippy-driver")):
        wrapped(sys.argv[1:])
    main()
