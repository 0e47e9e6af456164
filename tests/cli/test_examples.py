"""The demo, once and whole; then every example that a --help ends with, as it stands there."""

import json
import shlex
import shutil
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import polars as pl
import pytest
import typer.main

from recsmith.cli.main import app
from recsmith.export.site import PAGE
from recsmith.runs import open_run

ROOT = Path(__file__).resolve().parents[2]
ORDER = (
    "demo",
    "train",
    "tune",
    "evaluate",
    "compare",
    "recommend",
    "similar",
    "explain",
    "report",
    "export",
    "bundle",
    "web",
    "doctor",
    "data",
    "serve",
    "refresh",
    "frontier",
    "experiment",
)

TF_CONFIG = """
activity_feature_groups {
  features {
    feature_name: "context_movie_id" feature_type: INT vocab_size: 3953 embedding_dim: 8 feature_length: 10
  }
  encoder_type: LSTM
}
label_feature { feature_name: "label_movie_id" feature_type: INT vocab_size: 3953 embedding_dim: 8 }
"""


def examples() -> Iterator[str]:
    """Yields the example commands, in an order in which each finds what it needs."""

    def of(command: object) -> Iterator[str]:
        for part in command.epilog.split("Example: ")[1:]:  # type: ignore[attr-defined]
            yield part.strip()
        inner = getattr(command, "commands", {})
        for name in sorted(inner, key=lambda one: ORDER.index(one) if one in ORDER else len(ORDER)):
            yield from of(inner[name])

    yield from dict.fromkeys(of(typer.main.get_command(app)))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, call_recsmith, make_orders) -> Path:
    """A working folder with the repository's recipes, two logs, and the demo in runs/demo."""
    folder = tmp_path_factory.mktemp("examples")
    shutil.copytree(ROOT / "recipes", folder / "recipes")
    bundled = resources.files("recsmith.data") / "bundled" / "ml-latest-small" / "ratings.csv"
    with resources.as_file(bundled) as ratings:
        pl.read_csv(ratings).head(10_000).write_csv(folder / "ratings.csv")
    make_orders(folder)
    for name in ("orders.csv", "goods.csv"):
        shutil.copy(folder / name, folder / "recipes")
    (folder / "sample_input_config.pbtxt").write_text(TF_CONFIG, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        result = call_recsmith("demo", "--out", "runs/demo", "--no-progress")
    assert result.status == 0, result.err
    (folder / "demo.txt").write_text(result.out, encoding="utf-8")
    return folder


def test_the_demo_leaves_a_run_with_all_it_promises(place):
    run = open_run(place / "runs" / "demo")
    told = json.loads((run.path / "demo.json").read_text(encoding="utf-8"))
    assert set(told["leaderboard"]) == {
        "Popular", "TfIdfContent", "ItemKNN", "UserKNN", "RP3beta",
        "PureSVD", "EASE", "SLIM", "GFCF", "IALS", "BPR",
    }  # fmt: skip
    assert all(found["NDCG@10"]["low"] <= found["NDCG@10"]["high"] for found in told["leaderboard"].values())
    assert "FunkSVD" in told["ratings"]
    assert told["best"] == run.recipe.model.name
    assert run.metrics == told["leaderboard"][told["best"]]
    assert any(line["because"] for line in told["recommendations"]["Someone new"])
    popular = told["leaderboard"]["Popular"]["NDCG@10"]["value"]
    assert run.metrics["NDCG@10"]["value"] > 1.5 * popular
    assert run.model().recommend([42], k=3)


def test_the_demo_tells_what_it_does(place):
    said = (place / "demo.txt").read_text(encoding="utf-8")
    for part in (
        "100,836",
        "Leave last out",
        "Leaderboard",
        "95 %",
        "RMSE",
        "User 42",
        "Someone new",
        "because",
    ):
        assert part in said


def test_the_demo_writes_a_report(place):
    pytest.importorskip("vl_convert", reason="the report extra is not installed")
    page = (place / "runs" / "demo" / "report.html").read_text(encoding="utf-8")
    assert "MovieLens latest-small" in page
    assert "Someone new" in page


def test_the_demo_replaces_a_demo_and_nothing_else(place, call_recsmith, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work", encoding="utf-8")
    result = call_recsmith("demo", "--out", "mine", "--only", "Popular", "--no-report")
    assert result.status == 2
    assert (mine / "thesis.txt").is_file()
    for _ in range(2):
        result = call_recsmith(
            "demo", "--out", "d", "--only", "Popular", "--no-report", "--no-progress", "--json"
        )
        assert result.status == 0, result.err
        assert result.json["best"] == "Popular"


def test_the_demo_knows_its_models(call_recsmith):
    result = call_recsmith("demo", "--only", "Populr")
    assert result.status == 2
    assert "Did you mean 'Popular'?" in result.err


@pytest.mark.parametrize("command", [one for one in examples() if one != "recsmith demo --out runs/demo"])
def test_example(place, command, call_recsmith, monkeypatch):
    monkeypatch.chdir(place)
    if "import-config" in command:
        pytest.importorskip("google.protobuf", reason="the tensorflow-config extra is not installed")
    if "recsmith export" in command:
        pytest.importorskip("litert_torch", reason="the litert extra is not installed")
    if "tune" in command.split() or "item-knn-tuning" in command:
        pytest.importorskip("optuna", reason="the tune extra is not installed")
    if {"serve", "refresh", "experiment"} & set(command.split()):
        pytest.importorskip("fastapi", reason="the serve extra is not installed")
    if "recsmith bundle" in command and not (place / "bundles").is_dir():
        pytest.skip("no exporter made the bundle")
    if "recsmith web" in command and not ((PAGE / "index.html").is_file() and (place / "bundles").is_dir()):
        pytest.skip("the page is not built (make web), or no exporter made the bundle")
    # A person's shell sends what comes out to a file; here it is enough that something does.
    program, *words = shlex.split(command.split(" > ")[0])
    assert program == "recsmith"
    if "--out" in words and (place / words[words.index("--out") + 1]).exists():
        pytest.fail(f"{command} would write what an earlier example wrote")
    result = call_recsmith(*words)
    assert result.status == 0, result.err
    assert result.out
