#!/usr/bin/env python3
"""Draws the roofline: how near products come to the limits of the machine.

    quire bench --shape 4096,4096 --m 1,4,16,64,256,512 --threads 2 --json >q.json
    compare_ort.py --shape 4096,4096 --m 1,4,16,64,256,512 --json ort.json
    plot.py q.json --ort ort.json -o docs/roofline.svg --machine "NAME"

Needs bench/requirements.txt. The x axis is the rows of x, to which operations
per byte of weights are proportional. The limits are those that quire bench
measured: reading, and multiplying and adding in int8 and in f32.
"""

import argparse
import json

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

# The bytes and the columns of a block of Q4_0.
BYTES_A_WEIGHT = 18 / 32

SERIES = [
    ("quire level 4", "#0b5394", "o", "Quire, int8"),
    ("onnxruntime level 4", "#6fa8dc", "s", "ONNX Runtime, int8"),
    ("quire level 1", "#b45f06", "o", "Quire, f32"),
    ("onnxruntime level 1", "#f6b26b", "s", "ONNX Runtime, f32"),
]


def choose(results, shape, threads):
    """Results of one shape and number of threads, on Q4_0."""
    return [
        row
        for row in results
        if [row["k"], row["n"]] == shape
        and row["threads"] == threads
        and row.get("weights", "Q4_0") == "Q4_0"
        and row.get("activations", "f32") == "f32"
    ]


def points(rows, label):
    """m and GOP/s of the series `label`."""
    found = []
    for row in rows:
        name = row.get("label") or f"quire level {row['level']}"
        if name == label:
            found.append((row["m"], row["gops"]))
    return sorted(found)


def draw_limits(axes, rows, ms):
    limits = rows[0]
    steps = [ms[0] * (ms[-1] / ms[0]) ** (i / 200) for i in range(201)]
    roof = [2 * m / BYTES_A_WEIGHT * limits["read_gbps"] for m in steps]
    for key, color, text in (
        ("int8_gops", "#0b5394", "int8 peak"),
        ("f32_gflops", "#b45f06", "f32 peak"),
    ):
        peak = limits[key]
        axes.plot(
            steps,
            [min(peak, r) for r in roof],
            color=color,
            linewidth=1,
            linestyle="--",
        )
        axes.annotate(
            f"{text}: {peak:.0f} GOP/s",
            (ms[-1], peak),
            xytext=(0, 4),
            textcoords="offset points",
            ha="right",
            color=color,
            fontsize=8,
        )
    axes.annotate(
        f"reading: {limits['read_gbps']:.1f} GB/s",
        (2.8 * ms[0], 2.8 * roof[0]),
        xytext=(-4, 0),
        textcoords="offset points",
        ha="right",
        fontsize=8,
        color="#444444",
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bench", help="what quire bench --json printed")
    parser.add_argument("--ort", help="what compare_ort.py --json wrote")
    parser.add_argument("--shape", default="4096,4096")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--machine", default="")
    parser.add_argument("-o", "--output", required=True)
    options = parser.parse_args()
    shape = [int(item) for item in options.shape.split(",")]

    with open(options.bench, encoding="utf-8") as file:
        rows = choose(json.load(file)["results"], shape, options.threads)
    if not rows:
        parser.error("no such shape and threads in the results")
    ms = sorted({row["m"] for row in rows})
    version = ""
    others = []
    if options.ort:
        with open(options.ort, encoding="utf-8") as file:
            content = json.load(file)
        others = choose(content["results"], shape, options.threads)
        version = content["onnxruntime"]

    # The same input gives the same file.
    plt.rcParams["svg.hashsalt"] = "quire"
    figure, axes = plt.subplots(figsize=(7.2, 4.6))
    draw_limits(axes, rows, ms)
    for label, color, marker, text in SERIES:
        # Quire's points are of the run that measured the limits.
        found = points(rows if label.startswith("quire") else others, label)
        if found:
            axes.plot(*zip(*found), color=color, marker=marker, markersize=4, label=text)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(ms, [str(m) for m in ms])
    low, high = axes.get_ylim()
    ticks = [n * 10**i for i in range(6) for n in (1, 2, 5)]
    ticks = [tick for tick in ticks if low < tick < high]
    axes.set_yticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("rows of x (tokens at once)")
    axes.set_ylabel("GOP/s")
    axes.grid(True, which="major", linewidth=0.3)
    axes.legend(loc="lower right", fontsize=8, frameon=False)
    threads = f"{options.threads} thread" + ("s" if options.threads > 1 else "")
    title = f"Q4_0, K = {shape[0]}, N = {shape[1]}, {threads}"
    if version:
        title += f"; ONNX Runtime {version}"
    if options.machine:
        title += f"\n{options.machine}"
    axes.set_title(title, fontsize=9)
    figure.tight_layout()
    figure.savefig(options.output, metadata={"Date": None, "Creator": None})


if __name__ == "__main__":
    main()
