"""The recipes that come along: each is valid, one is for a CSV of your own, the rest reach their figures."""

from pathlib import Path

import polars as pl
import pytest

from recsmith.config import load_recipe
from recsmith.errors import MissingExtra
from recsmith.models import MODELS
from recsmith.runs import train
from recsmith.runs.build import make_model
from recsmith.testing.toy import tastes

FOLDER = Path(__file__).resolve().parents[2] / "recipes"
RECIPES = sorted(FOLDER.glob("*.toml"))
FIGURES = [path for path in RECIPES if path.stem.startswith("movielens-")]
TOLERANCE = 0.003  # BLAS libraries round differently; a changed method moves figures by more


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_is_valid_down_to_the_models_settings(path):
    try:
        make_model(load_recipe(path).model)
    except MissingExtra as missing:
        pytest.skip(str(missing))


def test_every_model_has_a_recipe():
    assert {load_recipe(path).model.name for path in FIGURES} >= set(MODELS)


@pytest.mark.accuracy
@pytest.mark.parametrize("path", FIGURES, ids=lambda path: path.stem)
def test_a_recipe_reaches_what_it_expects(path, tmp_path):
    recipe = load_recipe(path)
    assert recipe.expect, "a recipe says what it is known to reach"
    run = train(recipe, out=tmp_path / "run", report=False, progress=False)
    found = {metric: run.metrics[metric]["value"] for metric in recipe.expect}
    assert found == pytest.approx(recipe.expect, abs=TOLERANCE)


def test_the_recipe_for_ones_own_csv_works_on_one(tmp_path):
    data = tastes()
    events = data.interactions
    orders = pl.DataFrame(
        {
            "sku": data.items.ids.gather(events.item),
            "ordered_at": pl.Series(events.time).cast(pl.Datetime("ms")).dt.strftime("%Y-%m-%d %H:%M"),
            "customer": data.users.ids.gather(events.user).cast(pl.String).str.pad_start(8, "c"),
            "stars": events.weight,
        }
    )
    orders.write_csv(tmp_path / "orders.csv", separator=";")
    with (tmp_path / "orders.csv").open("a", encoding="utf-8") as log:
        log.write("i001;yesterday;c1;5.0\n")
    assert data.item_table is not None
    goods = data.item_table.select(sku="item_id", name="title", kind=pl.col("genres").list.join("|"))
    goods.write_csv(tmp_path / "goods.csv")
    (tmp_path / "own-csv.toml").write_bytes((FOLDER / "own-csv.toml").read_bytes())

    run = train(load_recipe(tmp_path / "own-csv.toml"), out=tmp_path / "run", report=False, progress=False)
    assert run.metrics["HitRate@10"]["value"] > 0.4
    assert sum(run.data().notes.refused.values()) == 1
    assert "Film " in run.model().memory.catalogue["title"][0]
