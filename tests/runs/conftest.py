"""A small log on disk with a recipe for it, and a run trained from them."""

from pathlib import Path

import polars as pl
import pytest

from recsmith.config.recipe import Recipe, load_recipe
from recsmith.runs import RunFolder, train
from recsmith.testing.toy import tastes

RECIPE = """
[data]
source = "table"
path = "log.csv"
user = "who"
item = "what"
weight = "stars"
time = "when"
separator = ";"

[data.items]
path = "items.csv"
id = "what"
title = "name"
features = { kind = "multi" }

[model]
class = "IALS"
embedding_dim = 8
n_epochs = 6

[run]
progress = false

[evaluate]
metrics = ["NDCG@10", "Recall@20", "Coverage@10"]
n_bootstrap = 50
"""


def write_log(folder: Path) -> Path:
    """Writes the toy log as somebody's own CSV, with a recipe; returns the recipe's path."""
    data = tastes()
    events = data.interactions
    log = pl.DataFrame(
        {
            "when": events.time // 1000 + 1_600_000_000,
            "who": data.users.ids.gather(events.user),
            "what": data.items.ids.gather(events.item),
            "stars": events.weight,
        }
    )
    log.write_csv(folder / "log.csv", separator=";")
    assert data.item_table is not None
    items = data.item_table.select(what="item_id", name="title", kind=pl.col("genres").list.join("|"))
    items.write_csv(folder / "items.csv")
    recipe = folder / "recipe.toml"
    recipe.write_text(RECIPE, encoding="utf-8")
    return recipe


@pytest.fixture(scope="session")
def recipe_file(tmp_path_factory) -> Path:
    return write_log(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="session")
def recipe(recipe_file) -> Recipe:
    return load_recipe(recipe_file)


@pytest.fixture(scope="session")
def trained(recipe, tmp_path_factory) -> RunFolder:
    return train(recipe, out=tmp_path_factory.mktemp("runs") / "ials", report=False)
