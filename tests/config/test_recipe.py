"""The recipe: read, edited, checked with the nearest known key, written out so that it repeats the run."""

import tomllib
from pathlib import Path

import pytest

from recsmith.config.data_recipe import EventsSource, MovieLensSource, SqlSource, TableSource
from recsmith.config.recipe import (
    apply_overrides,
    dump_recipe,
    load_recipe,
    parse_recipe,
)
from recsmith.errors import InvalidValue

RECIPE = """
[data]
source = "table"
path = "logs/orders.csv"
user = "customer"
item = "sku"
separator = ";"

[data.items]
path = "logs/goods.csv"
id = "sku"
title = "name"
features = { kind = "categorical" }

[data.filter]
min_user_interactions = 5

[split]
rule = "random_holdout"
fraction = 0.2

[model]
class = "ItemKNN"
n_neighbours = 20
"""


@pytest.fixture
def recipe_file(tmp_path: Path) -> Path:
    file = tmp_path / "shop.toml"
    file.write_text(RECIPE, encoding="utf-8")
    return file


def test_sections_are_read_and_settings_are_kept_for_the_layer_above(recipe_file):
    recipe = load_recipe(recipe_file)
    assert isinstance(recipe.data, TableSource)
    assert recipe.data.user == "customer"
    assert recipe.data.filter.min_user_interactions == 5
    assert recipe.split.rule == "random_holdout"
    assert recipe.split.settings == {"fraction": 0.2}
    assert recipe.model.name == "ItemKNN"
    assert recipe.model.settings == {"n_neighbours": 20}
    assert recipe.run.seed == 0


def test_paths_start_at_the_recipes_folder(recipe_file, tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    recipe = load_recipe(recipe_file)
    assert recipe.data.path == str(tmp_path / "logs" / "orders.csv")
    assert recipe.data.items.path == str(tmp_path / "logs" / "goods.csv")


def test_paths_of_an_override_start_where_it_was_typed(recipe_file, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    recipe = load_recipe(recipe_file, overrides=["data.path=new.csv"])
    assert recipe.data.path == str(elsewhere / "new.csv")


def test_several_files_and_sqlite_urls_are_anchored_too(tmp_path):
    file = tmp_path / "r.toml"
    file.write_text(
        '[data]\nsource="table"\npath=["a.csv", "/b.csv"]\n[model]\nclass="EASE"\n', encoding="utf-8"
    )
    assert load_recipe(file).data.path == [str(tmp_path / "a.csv"), "/b.csv"]
    file.write_text(
        '[data]\nsource="sql"\nurl="sqlite:///shop.db"\nquery="select 1"\n[model]\nclass="EASE"\n',
        encoding="utf-8",
    )
    data = load_recipe(file).data
    assert isinstance(data, SqlSource)
    assert data.url == f"sqlite:///{tmp_path / 'shop.db'}"


def test_the_default_data_is_the_bundled_log():
    recipe = parse_recipe({"model": {"class": "Popular"}})
    assert isinstance(recipe.data, MovieLensSource)
    assert recipe.data.size == "latest-small"


def test_overrides_are_toml_values_or_else_bare_words():
    tree = apply_overrides(
        {"model": {"class": "ItemKNN"}},
        ["model.n_neighbours=50", "model.shrinkage = 0.5", "model.similarity=jaccard", 'run.progress=false',
         'evaluate.metrics=["NDCG@5"]'],
    )  # fmt: skip
    assert tree["model"] == {
        "class": "ItemKNN",
        "n_neighbours": 50,
        "shrinkage": 0.5,
        "similarity": "jaccard",
    }
    assert tree["run"] == {"progress": False}
    assert tree["evaluate"] == {"metrics": ["NDCG@5"]}


def test_overrides_leave_the_given_tree_alone():
    tree = {"model": {"class": "ItemKNN"}}
    apply_overrides(tree, ["model.class=EASE"])
    assert tree == {"model": {"class": "ItemKNN"}}


def test_what_is_written_reads_back_as_the_same_recipe(recipe_file, tmp_path):
    recipe = load_recipe(recipe_file, overrides=["run.seed=7"])
    again = tmp_path / "deep" / "recipe.toml"
    again.parent.mkdir()
    again.write_text(dump_recipe(recipe), encoding="utf-8")
    assert load_recipe(again) == recipe
    assert tomllib.loads(dump_recipe(recipe))["model"] == {"class": "ItemKNN", "n_neighbours": 20}


def test_a_metric_may_stand_alone():
    assert parse_recipe({"model": {"class": "EASE"}, "evaluate": {"metrics": "RMSE"}}).evaluate.metrics == (
        "RMSE",
    )


def test_events_have_a_weight_each():
    recipe = parse_recipe(
        {"data": {"source": "events", "path": "/e.jsonl", "weights": {"view": 1}}, "model": {"class": "EASE"}}
    )
    assert isinstance(recipe.data, EventsSource)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("run.sed=3", "run.sed must be a known setting. Got sed. Did you mean 'seed'?"),
        ("data.usr=x", "data.usr must be a known setting. Got usr. Did you mean 'user'?"),
        ("data.filter.kcore=3", "data.filter.kcore must be a known setting. Got kcore. Did you"),
        ("splt.rule=x", "splt must be a known setting. Got splt. Did you mean 'split'?"),
        ("data.source=tabel", "data.source must be one of movielens, table, sql, events. Got 'tabel'. "
         "Did you mean 'table'?"),
        ("run.seed=-1", "run.seed must be greater than or equal to 0. Got -1."),
        ("data=3", "data must be a table, written [data]. Got 3."),
        ("data.path=5", "data.path must be a valid string. Got 5."),
        ("evaluate.candidates=99", "must be a table, written [evaluate.candidates]. Got 99."),
        ("split.rule=by_tim", "split.rule must be 'leave_last_out', 'by_time', 'random_holdout', "
         "'hold_out_users', 'k_fold', 'given' or 'none'. Got 'by_tim'."),
        ("n_neighbours", "--set must be KEY.SUBKEY=VALUE. Got 'n_neighbours'."),
        ("model.class.x=1", "--set must be a key of a table (class is not one). Got 'model.class.x=1'."),
    ],
)  # fmt: skip
def test_a_mistake_is_answered_with_the_requirement_and_the_cure(recipe_file, override, message):
    with pytest.raises(InvalidValue) as caught:
        load_recipe(recipe_file, overrides=[override])
    assert message in str(caught.value)


def test_a_recipe_without_a_model_says_what_to_write():
    with pytest.raises(InvalidValue, match=r"model must be given. Got nothing. Write \[model\] and"):
        parse_recipe({})
    with pytest.raises(InvalidValue, match="model.class must be given"):
        parse_recipe({"model": {"n_neighbours": 3}})


def test_a_file_that_is_no_recipe_is_named(tmp_path):
    with pytest.raises(InvalidValue, match="recipe must be a TOML file"):
        load_recipe(tmp_path / "absent.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("[model\nclass=", encoding="utf-8")
    with pytest.raises(InvalidValue, match="recipe must be valid TOML"):
        load_recipe(broken)


def test_a_byte_order_mark_is_no_matter(recipe_file):
    recipe_file.write_text("\ufeff" + RECIPE, encoding="utf-8")
    assert load_recipe(recipe_file).model.name == "ItemKNN"
