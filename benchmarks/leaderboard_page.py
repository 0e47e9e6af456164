"""docs/leaderboard.md and its picture, from what benchmarks/leaderboard.py measured."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

from recsmith.report.labels import place_names
from recsmith.report.spec import ACCENT, CONFIG, DOT, INK, MUTED, SCHEMA, quantity

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "leaderboard.md"
PICTURE = ROOT / "docs" / "images" / "leaderboard.svg"
START, END = "<!-- benchmarks/leaderboard.py writes from here -->", "<!-- to here -->"
TITLES = {"latest-small": "MovieLens latest-small", "100k": "MovieLens 100K", "1m": "MovieLens 1M"}
PRIMARY = "NDCG@10"
WIDTH, HEIGHT = 400, 360
_SHORTEST = 0.01
"""CPU seconds: what is quicker stands at the edge of the picture."""
_LEAST = 0.1
"""Of the best: what is less accurate, models of ratings for the most part, is no point of the picture."""

Rows = list[dict[str, Any]]


def write(known: dict[tuple[str, str], dict[str, Any]], sizes: tuple[str, ...], models: list[str]) -> None:
    """Puts a table for each log between the page's marks, and draws accuracy against cost."""
    by_size = {
        size: in_order([known[size, name] for name in models if (size, name) in known]) for size in sizes
    }
    tables = "\n\n".join(table(size, rows) for size, rows in by_size.items() if rows)
    before, rest = PAGE.read_text(encoding="utf-8").split(START, 1)
    after = rest.split(END, 1)[1]
    PAGE.write_text(f"{before}{START}\n\n{tables}\n\n{END}{after}", encoding="utf-8")
    draw({size: rows for size, rows in by_size.items() if any("metrics" in row for row in rows)})


def in_order(rows: Rows) -> Rows:
    """Returns what was measured on a log, the most accurate first, then what could not be."""
    done = [row for row in rows if "metrics" in row]
    done.sort(key=lambda row: -row["metrics"][PRIMARY]["value"])
    return done + [row for row in rows if "metrics" not in row]


def table(size: str, rows: Rows) -> str:
    """Returns the table of a log."""
    lines = [
        f"## {TITLES[size]}",
        "",
        "| model | NDCG@10 | HitRate@10 | Coverage@10 | Novelty@10 | Diversity@10 | fit, CPU s | memory "
        "| on disk |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    left_out = []
    for row in rows:
        if "metrics" in row:
            lines.append(line(row))
        elif "over" in row:
            about = f", about {row['expected']:,} by what it took on 100K" if row["expected"] else ""
            left_out.append(f"`{row['model']}` (over {row['over']:.0f} CPU s{about})")
        else:
            left_out.append(f"`{row['model']}` ({row['why']})")
    if left_out:
        lines += ["", f"Left out: {'; '.join(left_out)}."]
    return "\n".join(lines)


def line(row: dict[str, Any]) -> str:
    """Returns a model's row: every figure with its interval where it has one."""
    cells = []
    for name, figure in row["metrics"].items():
        digits = 4 if name.startswith(("NDCG", "HitRate")) else 3 if name.startswith("C") else 2
        text = f"{figure['value']:.{digits}f}"
        if figure["low"] is not None:
            text += f" [{figure['low']:.{digits}f}, {figure['high']:.{digits}f}]"
        cells.append(text)
    added = max(row["fit_peak_mib"] - row["data_mib"], 0)
    fit = f"{row['fit_seconds']:.0f} s on a GPU" if "device" in row else f"{row['fit_cpu_seconds']:.2f}"
    cost = [fit, f"{added:,} MiB", f"{row['size_mib']:.1f} MiB"]
    own = ", recipe's settings" if row["settings"] else ""
    return f"| `{row['model']}`{own} | {' | '.join([*cells, *cost])} |"


def draw(by_size: dict[str, Rows]) -> None:
    """Draws a panel a log: NDCG@10 up, CPU seconds of the fit to the right by ratio; the front is marked.

    What was fitted on a GPU has another cost and is left out, as is what lies far below the best.
    """
    import vl_convert

    panels = [panel(TITLES[size], drawn(rows)) for size, rows in by_size.items()]
    spec = {"$schema": SCHEMA, "hconcat": panels, "config": {**CONFIG, "background": "var(--card)"}}
    plain = re.sub(r"var\((--[\w-]+)\)", lambda found: colours()[found.group(1)], json.dumps(spec))
    shown = json.loads(plain)
    shown["config"]["font"] = "Helvetica, Arial, sans-serif"
    shown["padding"] = 18
    PICTURE.write_text(vl_convert.vegalite_to_svg(shown), encoding="utf-8")


def drawn(rows: Rows) -> Rows:
    """Returns what the picture shows of a log."""
    here = [row for row in rows if "metrics" in row and "device" not in row]
    accuracy = [row["metrics"][PRIMARY]["value"] for row in here]
    return [row for row, value in zip(here, accuracy, strict=True) if value >= _LEAST * max(accuracy)]


def panel(title: str, rows: Rows) -> dict[str, Any]:
    """Returns the chart of one log."""
    xs = [math.log10(max(row["fit_cpu_seconds"], _SHORTEST)) for row in rows]
    ys = [row["metrics"][PRIMARY]["value"] for row in rows]
    left, right = math.floor(min(xs)), math.ceil(max(xs))
    top = max(ys) * 1.08
    low = -0.08 * top  # names of what is near 0 have room above the axis
    dots = [
        ((x - left) / (right - left) * WIDTH, (top - y) / (top - low) * HEIGHT)
        for x, y in zip(xs, ys, strict=True)
    ]
    names = [row["model"] for row in rows]
    places = place_names(dots, names, width=WIDTH)
    front = [
        not any(x2 <= x and y2 > y for x2, y2 in zip(xs, ys, strict=True))
        for x, y in zip(xs, ys, strict=True)
    ]
    values = [
        {"model": name, "x": 10**x, "y": y, "front": on, "place": str(place)}
        for name, x, y, on, place in zip(names, xs, ys, front, places, strict=True)
    ]
    values.sort(key=lambda value: value["front"])  # what is marked lies on top
    colour = {"condition": {"test": "datum.front", "value": ACCENT}, "value": MUTED}
    x = quantity("x", "fit, CPU seconds →", ticks=right - left)
    x["scale"] = {"type": "log", "domain": [10.0**left, 10.0**right], "nice": False}
    y = quantity("y", f"{PRIMARY} →", ticks=5, domain=[low, top], nice=False)
    layers: list[dict[str, Any]] = []
    for place in sorted(set(places)):
        here = [{"filter": f"datum.place === '{place}'"}]
        if place.is_far:
            thin = {
                "type": "rule",
                "color": MUTED,
                "opacity": 0.6,
                "x2Offset": place.dx,
                "y2Offset": place.dy,
            }
            layers.append(
                {"transform": here, "mark": thin, "encoding": {"x2": {"field": "x"}, "y2": {"field": "y"}}}
            )
        mark = {"type": "text", "align": place.align, "dx": place.dx, "dy": place.dy, "baseline": "middle"}
        text = {"text": {"field": "model"}, "color": {**colour, "value": INK}}
        layers.append({"transform": here, "mark": mark, "encoding": text})
    return {
        "title": {"text": title, "anchor": "start", "color": INK, "fontSize": 15, "offset": 14},
        "width": WIDTH,
        "height": HEIGHT,
        "data": {"values": values},
        "encoding": {"x": x, "y": y},
        "layer": [{"mark": {**DOT, "size": 90}, "encoding": {"color": colour}}, *layers],
    }


def colours() -> dict[str, str]:
    """Returns the page's light colours: a picture of its own knows no style sheet."""
    style = (ROOT / "src" / "recsmith" / "report" / "style.css").read_text(encoding="utf-8")
    first = style.split("}", 1)[0]
    return dict(re.findall(r"(--[\w-]+):\s*([^;]+);", first))
