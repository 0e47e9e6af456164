"""The leaderboard's page: the order of its rows, what it says of models left out, its picture."""

import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("vl_convert", reason="the report extra is not installed")
ROOT = Path(__file__).parents[2]


@pytest.fixture
def page(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import leaderboard_page

    yield leaderboard_page
    for name in ("leaderboard_page", "leaderboard", "protocols"):
        sys.modules.pop(name, None)


def figures(value, seconds):
    metrics = {"NDCG@10": {"value": value, "low": value - 0.01, "high": value + 0.01}}
    metrics |= {"Coverage@10": {"value": 0.5, "low": None, "high": None}}
    cost = {"fit_cpu_seconds": seconds, "fit_peak_mib": 300, "data_mib": 200, "size_mib": 1.5}
    return {"metrics": metrics, "settings": {}, **cost}


def test_the_best_first_the_left_out_last_and_a_picture(page, tmp_path, monkeypatch):
    monkeypatch.setattr(page, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr(page, "PICTURE", tmp_path / "picture.svg")
    page.PAGE.write_text(f"before\n{page.START}\nold\n{page.END}\nafter\n", encoding="utf-8")
    found = {
        "Slow": figures(0.30, 9.0),
        "Quick": figures(0.20, 0.001),
        "Beaten": figures(0.10, 5.0),
        "Huge": {"over": 60.0, "expected": 1234},
        "Odd": {"why": "data must have times."},
    }
    known = {("1m", name): {**one, "model": name} for name, one in found.items()}
    page.write(known, ("100k", "1m"), ["Beaten", "Huge", "Odd", "Quick", "Slow"])
    text = page.PAGE.read_text(encoding="utf-8")
    assert text.startswith("before") and text.endswith("after\n") and "old" not in text
    rows = [row.split("`")[1] for row in text.splitlines() if row.startswith("| `")]
    assert rows == ["Slow", "Quick", "Beaten"]
    assert "0.3000 [0.2900, 0.3100] | 0.500 | 9.00 | 100 MiB | 1.5 MiB" in text
    assert (
        "`Huge` (over 60 CPU s, about 1,234 by what it took on 100K); `Odd` (data must have times.)." in text
    )
    picture = page.PICTURE.read_text(encoding="utf-8")
    assert "var(--" not in picture and all(name in picture for name in ("Slow", "Quick", "Beaten"))


def test_a_row_is_measured_once_and_what_would_take_too_long_is_not(page, tmp_path, monkeypatch):
    import leaderboard

    ran = []

    def measured(size, name, limit, device):
        ran.append((size, name))
        return figures(0.1, 60.0)

    monkeypatch.setattr(leaderboard, "in_a_process", measured)
    file = tmp_path / "rows.jsonl"
    for size, name in [("1m", "EASE"), ("100k", "IALS"), ("1m", "IALS"), ("100k", "IALS"), ("1m", "EASE")]:
        leaderboard.note(size, name, file, limit=500)
    assert ran == [("1m", "EASE"), ("100k", "IALS")]
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [(row["data"], row["model"]) for row in rows] == [("100k", "IALS"), ("1m", "IALS"), ("1m", "EASE")]
    assert rows[1]["over"] == 500 and rows[1]["expected"] == 600


def test_a_gpu_is_told_of_and_is_no_point_of_the_picture(page, tmp_path, monkeypatch):
    import leaderboard

    asked = []

    def measured(size, name, limit, device):
        asked.append(device)
        return {**figures(0.4, 60.0), "device": device, "fit_seconds": 12.3}

    monkeypatch.setattr(leaderboard, "in_a_process", measured)
    file = tmp_path / "rows.jsonl"
    leaderboard.note("1m", "SASRec", file, limit=500, device="cuda")
    (row,) = leaderboard.known(file).values()
    assert asked == ["cuda"] and "| 12 s on a GPU |" in page.line(row)
    kept = {"data": "1m", "model": "EASE", **figures(0.3, 1.0)}
    far_below = {"data": "1m", "model": "DNN", **figures(0.02, 9.0)}
    assert page.drawn([row, kept, far_below, {"model": "Odd", "why": "no times"}]) == [kept]


def test_a_model_without_defaults_has_its_recipes(page):
    import leaderboard

    assert leaderboard.made("Popular")[1] == {}
    model, settings = leaderboard.made("Pipeline")
    assert type(model).__name__ == "Pipeline" and settings["n_candidates"] == 200
