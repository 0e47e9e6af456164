"""A recipe becomes a run folder, whole or not at all."""

import json
from pathlib import Path

import numpy as np
import pytest

import recsmith
from recsmith.config.recipe import Recipe, SplitRecipe, load_recipe
from recsmith.errors import InvalidValue, MissingExtra, ModelFileError, RecsmithError
from recsmith.models import Recommender
from recsmith.runs import files, open_run, page, train
from recsmith.runs.lock import RunIsLocked, only_writer

OWN_MODEL = '''
"""Somebody's own model."""
import numpy as np
from recsmith.config import Config
from recsmith.models import Recommender

class NewestConfig(Config):
    sign: int = 1

class Newest(Recommender):
    Config = NewestConfig
    state_names = ("score_I",)
    def _fit(self, data, run):
        self.score_I = self.config.sign * np.arange(data.n_items, dtype=np.float32)
    def _score(self, histories):
        return np.tile(self.score_I, (len(histories), 1))

not_a_model = 3
'''


def with_model(recipe: Recipe, **settings: object) -> Recipe:
    model = recipe.model.model_copy(update={"settings": {**recipe.model.settings, **settings}})
    return recipe.model_copy(update={"model": model})


def model_files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / files.MODEL).iterdir())}


def test_a_run_folder_holds_all_that_was_done(trained):
    assert {path.name for path in trained.path.iterdir()} >= {
        "recipe.toml", "run.json", "model", "metrics.json", "per_user.parquet", "log",
    }  # fmt: skip
    figure = trained.metrics["NDCG@10"]
    assert set(figure) == {"value", "low", "high", "n_users"}
    assert figure["low"] <= figure["value"] <= figure["high"]
    assert trained.status["state"] == "done"
    assert [row["epoch"] for row in trained.learning_curve] == list(range(6))
    assert "Fitting IALS" in (trained.path / "log" / "train.log").read_text(encoding="utf-8")


def test_its_recipe_repeats_it(trained, tmp_path):
    again = train(load_recipe(trained.path / "recipe.toml"), out=tmp_path / "again", report=False)
    assert again.metrics == trained.metrics
    assert model_files(again.path) == model_files(trained.path)


def test_it_judges_again_to_the_same_figures_and_with_others(trained):
    assert trained.evaluate().to_dict() == trained.metrics
    assert trained.evaluate(metrics=["HitRate@5"], n_bootstrap=0).names == ["HitRate@5"]


def test_its_model_is_one_that_python_loads(trained):
    model = recsmith.load(trained.path / "model")
    assert model.recommend([1], k=3).to_frame().equals(trained.model().recommend([1], k=3).to_frame())


def test_nothing_is_held_out_when_the_rule_is_none(recipe, tmp_path):
    split = recipe.split.model_copy(update={"rule": "none"})
    run = train(recipe.model_copy(update={"split": split}), out=tmp_path / "all", report=False)
    assert run.metrics == {}
    assert len(run.model().memory.histories.item) == len(run.data())


@pytest.mark.parametrize(
    ("rule", "settings"),
    [
        ("by_time", {"fraction": 0.2}),
        ("random_holdout", {"fraction": 0.2, "per_user": True}),
        ("hold_out_users", {"fraction": 0.3}),
        ("k_fold", {"n": 3, "fold": 2}),
    ],
)
def test_every_rule_of_splitting_can_be_written_in_a_recipe(recipe, tmp_path, rule, settings):
    split = recipe.split.model_copy(update={"rule": rule, "settings": settings})
    run = train(recipe.model_copy(update={"split": split}), out=tmp_path / rule, report=False)
    assert run.metrics["NDCG@10"]["n_users"] > 0


def test_the_publishers_own_files_are_a_split(recipe_file, tmp_path):
    log = (recipe_file.parent / "log.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (recipe_file.parent / "train.csv").write_text("".join(log[:500]), encoding="utf-8")
    (recipe_file.parent / "test.csv").write_text("".join([log[0], *log[500:]]), encoding="utf-8")
    file = recipe_file.parent / "given.toml"
    text = recipe_file.read_text(encoding="utf-8").replace("log.csv", "train.csv")
    file.write_text(text + '[split]\nrule = "given"\ntest = "test.csv"\n', encoding="utf-8")
    run = train(load_recipe(file), out=tmp_path / "given", report=False)
    assert run.status["split"] == "Given: the test is test.csv."
    assert len(run.split().test) == len(log) - 500
    assert (
        train(load_recipe(run.path / "recipe.toml"), out=tmp_path / "b", report=False).metrics == run.metrics
    )


@pytest.mark.parametrize(
    ("rule", "settings", "message"),
    [
        ("given", {}, "split.test must be a file of the same form as data.path. Got nothing."),
        ("given", {"tst": "a.csv"}, "Did you mean 'test'?"),
        ("none", {"n": 1}, "split.n must be a setting of none. Got 1. Known: none."),
        ("by_time", {"fracton": 0.2}, "must be a setting of by_time. Got 0.2. Did you mean 'fraction'?"),
        ("k_fold", {"n": 3, "fold": 4}, "fold must be between 1 and 3. Got 4."),
        ("random_holdout", {"fraction": 2.0}, "fraction must be between 0 and 1"),
    ],
)  # fmt: skip
def test_a_wrong_split_is_refused(recipe, tmp_path, rule, settings, message):
    split = recipe.split.model_copy(update={"rule": rule, "settings": settings})
    with pytest.raises(InvalidValue) as caught:
        train(recipe.model_copy(update={"split": split}), out=tmp_path / "x", report=False)
    assert message in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_model_from_outside_the_house_is_named_by_its_path(recipe, tmp_path, monkeypatch):
    (tmp_path / "own_models.py").write_text(OWN_MODEL, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    own = recipe.model.model_copy(update={"name": "own_models.Newest", "settings": {"sign": -1}})
    run = train(recipe.model_copy(update={"model": own}), out=tmp_path / "own", report=False)
    import own_models  # type: ignore[import-not-found]

    assert isinstance(run.model(model_class=own_models.Newest), Recommender)
    with pytest.raises(ModelFileError, match="or handed in"):
        run.model()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ItemKnn", "model.class must be one of"),
        ("ItemKnn", "Did you mean 'ItemKNN'?"),
        ("absent_module.Mine", "No module named 'absent_module'"),
        ("json.JSONDecoder", "must be a subclass of recsmith.models.Recommender"),
    ],
)
def test_a_model_that_is_none_is_refused(recipe, tmp_path, name, message):
    model = recipe.model.model_copy(update={"name": name})
    with pytest.raises(InvalidValue) as caught:
        train(recipe.model_copy(update={"model": model}), out=tmp_path / "x")
    assert message in str(caught.value)


def test_a_wrong_setting_is_refused_before_data_are_read(recipe, tmp_path):
    data = recipe.data.model_copy(update={"path": "/absent.csv"})
    wrong = with_model(recipe, n_epoch=3).model_copy(update={"data": data})
    with pytest.raises(InvalidValue, match=r"IALS.n_epoch must be a known setting.*'n_epochs'"):
        train(wrong, out=tmp_path / "x")


def test_an_existing_folder_is_replaced_only_when_asked(recipe, tmp_path):
    out = tmp_path / "run"
    train(recipe, out=out, report=False)
    with pytest.raises(InvalidValue, match="--overwrite replaces it"):
        train(recipe, out=out, report=False)
    train(with_model(recipe, embedding_dim=4), out=out, report=False, overwrite=True)
    assert open_run(out).recipe.model.settings["embedding_dim"] == 4


@pytest.mark.parametrize("metric", ["NDGC@10", "RMSE"])
def test_metrics_are_checked_before_the_training(recipe, tmp_path, monkeypatch, metric):
    monkeypatch.setattr(Recommender, "fit", lambda *_, **__: pytest.fail("hours of training, for nothing"))
    wrong = recipe.model_copy(update={"evaluate": recipe.evaluate.model_copy(update={"metrics": (metric,)})})
    with pytest.raises(InvalidValue, match=metric):
        train(wrong, out=tmp_path / "run", report=False)


def test_a_split_that_leaves_nothing_to_learn_from_is_named(recipe, tmp_path):
    split = SplitRecipe.model_validate({"rule": "by_time", "at": "1990-01-01"})
    with pytest.raises(InvalidValue, match="split must be one that leaves something to learn from. Got By"):
        train(recipe.model_copy(update={"split": split}), out=tmp_path / "run", report=False)


def test_overwrite_does_not_delete_a_folder_that_is_no_run(recipe, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(InvalidValue, match="--out must be a new path, or a run to replace"):
        train(recipe, out=tmp_path, report=False, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_two_at_once_in_one_folder_are_refused(recipe, tmp_path):
    with only_writer(tmp_path / "run"), pytest.raises(RunIsLocked, match="run folder must be free"):
        train(recipe, out=tmp_path / "run", report=False)


def test_a_full_disk_leaves_the_old_run(recipe, tmp_path, monkeypatch):
    out = tmp_path / "run"
    train(recipe, out=out, report=False)
    before = model_files(out)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Recommender, "save", full)
    with pytest.raises(OSError, match="No space left"):
        train(with_model(recipe, embedding_dim=4), out=out, report=False, overwrite=True)
    assert model_files(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_without_the_report_extra_the_run_says_how_to_get_it(recipe, tmp_path, monkeypatch):
    def missing(*_: object, **__: object) -> None:
        raise MissingExtra("jinja2", "report")

    monkeypatch.setattr(page, "write_parts", missing)
    said: list[str] = []
    run = train(recipe, out=tmp_path / "run", say=said.append)
    assert not (run.path / "report.html").exists()
    assert any("pip install 'recsmith[report]'" in line for line in said)


def test_a_report_that_fails_does_not_take_the_training_with_it(recipe, tmp_path, monkeypatch):
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no ink")

    monkeypatch.setattr(page, "write_parts", broken)
    said: list[str] = []
    run = train(recipe, out=tmp_path / "run", say=said.append)
    assert run.status["state"] == "done"
    assert f"No report.html: RuntimeError: no ink. Try: recsmith report {run.path}" in said


def test_a_report_is_named_after_its_run(recipe, tmp_path):
    pytest.importorskip("vl_convert", reason="the report extra is not installed")
    run = train(recipe, out=tmp_path / "tea-shop")
    assert "<h1>tea-shop</h1>" in (run.path / "report.html").read_text(encoding="utf-8")


def test_a_folder_that_is_no_run_is_told_apart(tmp_path):
    with pytest.raises(InvalidValue, match="recsmith train RECIPE.toml makes one"):
        open_run(tmp_path / "absent")
    with pytest.raises(RecsmithError, match=r"Got no recipe.toml there"):
        open_run(tmp_path)


def test_metrics_are_plain_json(trained):
    text = (trained.path / "metrics.json").read_text(encoding="utf-8")
    assert list(json.loads(text)) == ["NDCG@10", "Recall@20", "Coverage@10"]
    assert np.isfinite(json.loads(text)["Recall@20"]["value"])
