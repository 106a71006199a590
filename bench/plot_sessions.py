#!/usr/bin/env python3
"""Draws what compare_session.py measured, and prints it as tables.

    plot_sessions.py FILE.json [-o docs/sessions.svg]

FILE.json is what compare_session.py --json wrote. The picture has, for each model,
the time of a session, the memory of four processes and the tokens a second; the
tables, for the results page, have everything. Needs bench/requirements.txt.
"""

import argparse
import json
import math
import pathlib

# kind: (label, color), in the order of drawing
KINDS = {
    "plain": ("ONNX Runtime {version}", "#c55a11"),
    "prepacked": ("the same, prepacked on disk", "#f6b26b"),
    "op": ("Quire, custom operators", "#6fa8dc"),
    "provider": ("Quire, execution provider", "#0b5394"),
    "llama": ("llama.cpp, repacking", "#38761d"),
    "llama_mapped": ("llama.cpp", "#93c47d"),
}
NAMES = {"plain": "plain", "prepacked": "prepacked", "shared": "shared",
         "op": "Quire op", "provider": "Quire provider",
         "llama": "llama.cpp repacking", "llama_mapped": "llama.cpp"}
MODELS = {"minilm": "all-MiniLM-L6-v2", "smollm2": "SmolLM2-135M",
          "stack": "1.5B stack"}
TABLES = (
    ("sessions", "A session", {
        "warm, ms": "create",
        "cold, ms": "cold_create",
        "cold with first run, ms": "cold_first",
        "first run, ms": "first",
        "resident, MiB": "rss",
        "of it anonymous, MiB": "anonymous",
        "four processes, MiB": "pss_of_4",
    }),
    ("together", "Four sessions of one process", {
        "first session, ms": "create",
        "second session, ms": "second",
        "resident with one, MiB": "rss",
        "resident with four, MiB": "rss_of_all",
        "of it anonymous, MiB": "anonymous_of_all",
    }),
)


# ------------------------------------------------------------------- the tables


def figure(value):
    """Three digits, with no exponent."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.3g}"


def table(title, rows):
    """Figures, and after ours how many times as good as plain they are. `rows`:
    {label: {kind: value}}; less is better."""
    kinds = [kind for kind in NAMES if any(kind in row for row in rows.values())]
    print(f"\n| {title} | " + " | ".join(NAMES[kind] for kind in kinds) + " |")
    print("|---|" + "--:|" * len(kinds))
    for label, row in rows.items():
        cells = []
        for kind in kinds:
            text = figure(row[kind]) if kind in row else ""
            if kind in ("op", "provider") and kind in row and "plain" in row:
                text += f" ({figure(row['plain'] / row[kind])}x)"
            cells.append(text)
        print(f"| {label} | " + " | ".join(cells) + " |")


def tables(content):
    for name, found in content["models"].items():
        print(f"\n### {MODELS[name]}")
        for part, title, rows in TABLES:
            if part in found:
                table(title, {
                    label: {kind: of[key] for kind, of in found[part].items()}
                    for label, key in rows.items()
                })
        if "runs" in found:
            table("Runs, ms", found["runs"])
        quality = found.get("quality")
        if quality:
            print(f"\nCosine of embeddings to f32, {quality['sentences']} sentences:")
            for kind, of in quality["cosine"].items():
                print(f"- {NAMES[kind]}: least {of['least']:.4f}, "
                      f"mean {of['mean']:.4f}")
        for part, why in found.get("failed", {}).items():
            print(f"\nFailed: {part}: {why}")


# ------------------------------------------------------------------ the picture


def tokens_a_second(found):
    row = found["runs"]["token, 2 threads, alone"]
    return {kind: 1e3 / ms for kind, ms in row.items()}


PANELS = (  # title, whether the scale is logarithmic, {kind: value} of a model
    ("a session, warm, ms", True,
     lambda found: {k: of["create"] for k, of in found["sessions"].items()}),
    ("four processes, MiB", False,
     lambda found: {k: of["pss_of_4"] for k, of in found["sessions"].items()}),
    ("tokens a second, 2 threads", True, tokens_a_second),
)
NEEDS = ("sessions", "runs")


def draw_panel(axes, title, logarithmic, values):
    """`values`: for each model {kind: value}."""
    width = 0.9 / len(KINDS)
    for index, of in enumerate(values):
        kinds = [kind for kind in KINDS if kind in of]
        for number, kind in enumerate(kinds):
            left = index + (number - len(kinds) / 2 + 0.5) * width
            axes.bar(left, of[kind], width, color=KINDS[kind][1])
            axes.annotate(
                figure(of[kind]), (left, of[kind]), rotation=90, fontsize=6,
                xytext=(0, 2), textcoords="offset points", ha="center",
                va="bottom",
            )
    figures = [value for of in values for kind, value in of.items() if kind in KINDS]
    if logarithmic:
        axes.set_yscale("log")
        axes.minorticks_off()
        axes.set_ylim(10 ** math.floor(math.log10(min(figures))), 4 * max(figures))
    else:
        axes.set_ylim(0, 1.2 * max(figures))
    axes.set_title(title, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.grid(True, axis="y", linewidth=0.3)
    axes.set_axisbelow(True)


def draw(content, path):
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt
    from matplotlib.patches import Patch

    # The same input gives the same file. A white ground is legible on a dark
    # page too.
    plt.rcParams["svg.hashsalt"] = "quire"
    models = {
        name: found for name, found in content["models"].items()
        if all(part in found for part in NEEDS)
    }
    if not models:
        raise SystemExit(f"no model has {' and '.join(NEEDS)}")
    picture, panels = plt.subplots(1, 3, figsize=(10.5, 4), facecolor="white")
    for axes, (title, logarithmic, values_of) in zip(panels, PANELS):
        values = [values_of(found) for found in models.values()]
        draw_panel(axes, title, logarithmic, values)
        axes.set_xticks(range(len(models)), [MODELS[name] for name in models])
    drawn = {kind for found in models.values() for kind in found["sessions"]}
    picture.legend(
        handles=[
            Patch(color=color, label=label.format(version=content["onnxruntime"]))
            for kind, (label, color) in KINDS.items() if kind in drawn
        ],
        loc="lower center", ncols=3, fontsize=8, frameon=False,
    )
    picture.suptitle(
        f"4-bit models, int8 activations (level 4); {content['machine']}, "
        f"{content['cpus']} CPUs", fontsize=9,
    )
    picture.tight_layout(rect=(0, 0.11, 1, 1))
    picture.savefig(path, metadata={"Date": None, "Creator": None})
    plt.close(picture)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("-o", "--output", metavar="FILE.svg")
    options = parser.parse_args()
    content = json.loads(options.file.read_text(encoding="utf-8"))
    tables(content)
    if options.output:
        draw(content, options.output)


if __name__ == "__main__":
    main()
