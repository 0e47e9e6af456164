"""A recipe becomes a run folder, whole or not at all; Ctrl-C keeps what is done and resume goes on."""

import json
import os
import signal
import tomllib
from pathlib import Path

import numpy as np
import pytest

import recsmith
from recsmith.config.recipe import Recipe, SplitRecipe, load_recipe, parse_recipe
from recsmith.data import Dataset, Interactions, Vocabulary
from recsmith.errors import InvalidValue, MissingExtra, ModelFileError, RecsmithError
from recsmith.models import Recommender
from recsmith.runs import Interrupted, NotJudged, NotTrained, checkpoint, files, open_run, page, resume, train
from recsmith.runs.build import fingerprint
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


def interrupt_after(monkeypatch: pytest.MonkeyPatch, epoch: int) -> None:
    """Sends Ctrl-C in the midst of an epoch, counted from 1."""
    log = recsmith.Run.log

    def log_and_interrupt(run: recsmith.Run, **figures: float) -> None:
        log(run, **figures)
        if run.history[-1]["epoch"] == epoch - 1:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(recsmith.Run, "log", log_and_interrupt)


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


def test_ctrl_c_keeps_the_epochs_done_and_going_on_changes_nothing(recipe, trained, tmp_path, monkeypatch):
    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        interrupt_after(patch, 3)
        with pytest.raises(Interrupted) as caught:
            train(recipe, out=out, report=False)
    assert f"recsmith train --resume {out}" in str(caught.value)
    assert "after epoch 3" in str(caught.value)
    stopped = open_run(out)
    assert stopped.status["state"] == "interrupted"
    assert stopped.model().recommend([1], k=3)

    finished = resume(out, report=False)
    assert finished.status["state"] == "done"
    assert finished.metrics == trained.metrics
    assert finished.learning_curve == trained.learning_curve
    before, after = (model_files(run.path) for run in (trained, finished))
    assert before.keys() == after.keys()
    assert before == after


def test_a_run_can_be_stopped_more_than_once(recipe, trained, tmp_path, monkeypatch):
    out = tmp_path / "run"
    for epoch in (2, 4):
        with monkeypatch.context() as patch:
            interrupt_after(patch, epoch)
            with pytest.raises(Interrupted):
                train(recipe, out=out, report=False) if epoch == 2 else resume(out, report=False)
    assert model_files(resume(out, report=False).path) == model_files(trained.path)


def test_a_second_ctrl_c_stops_at_once_and_leaves_the_old_run(recipe, tmp_path, monkeypatch):
    out = tmp_path / "run"
    train(recipe, out=out, report=False)
    before = model_files(out)

    def give_up(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(recsmith.Run, "log", give_up)
    with pytest.raises(Interrupted, match="before there was anything to keep"):
        train(with_model(recipe, embedding_dim=4), out=out, report=False, overwrite=True)
    assert model_files(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_second_ctrl_c_keeps_the_last_checkpoint(recipe, trained, tmp_path, monkeypatch):
    out = tmp_path / "run"
    log = recsmith.Run.log

    def give_up_in_epoch_4(run: recsmith.Run, **figures: float) -> None:
        log(run, **figures)
        if run.history[-1]["epoch"] == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "SECONDS_BETWEEN", 0.0)
        patch.setattr(recsmith.Run, "log", give_up_in_epoch_4)
        with pytest.raises(Interrupted, match="the last checkpoint is kept. Go on with: recsmith train"):
            train(recipe, out=out, report=False)
    assert model_files(resume(out, report=False).path) == model_files(trained.path)


def test_ctrl_c_after_the_training_keeps_the_model(recipe, trained, tmp_path, monkeypatch):
    out = tmp_path / "run"

    def give_up(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("recsmith.runs.training_run.judge", give_up)
        with pytest.raises(Interrupted, match="the model is kept, its judgement is not"):
            train(recipe, out=out, report=False)
    assert open_run(out).status["state"] == "fitted"
    assert open_run(out).metrics == {}
    finished = resume(out, report=False)
    assert finished.metrics == trained.metrics
    assert model_files(finished.path) == model_files(trained.path)


def test_a_judgement_that_fails_keeps_the_model(recipe, trained, tmp_path, monkeypatch):
    target = tmp_path / "run"

    def fails(*_, **__):
        raise MemoryError("6 GiB")

    with monkeypatch.context() as patch:
        patch.setattr("recsmith.runs.training_run.judge", fails)
        with pytest.raises(NotJudged, match="but judging it failed: MemoryError: 6 GiB.*--resume"):
            train(recipe, out=target)
    assert open_run(target).status["state"] == "fitted"
    assert model_files(target) == model_files(trained.path)
    assert resume(target).metrics == trained.metrics


@pytest.mark.parametrize("more", [{}, {"patience": 1, "n_epochs": 40, "learning_rate": 0.02}])
def test_a_network_goes_on_from_its_own_checkpoint(recipe, tmp_path, more):
    pytest.importorskip("torch", reason="the neural extra is not installed")
    settings = {"embedding_dim": 4, "n_epochs": 4, "batch_size": 64, **more}
    network = recipe.model_copy(
        update={"model": recipe.model.model_copy(update={"name": "EmbeddingDotBias", "settings": settings})}
    )
    whole = train(network, out=tmp_path / "whole", report=False)
    assert not (whole.path / "checkpoints").exists()

    from recsmith.training.hooks import LearningCurve

    end_of_step = LearningCurve.on_step
    n_steps = 0

    def interrupt_at_step_20(hook, now):
        nonlocal n_steps
        n_steps += 1
        if n_steps == 20:
            os.kill(os.getpid(), signal.SIGINT)
        return end_of_step(hook, now)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LearningCurve, "on_step", interrupt_at_step_20)
        with pytest.raises(Interrupted, match="Stopped in epoch [23]; what was learnt until then is kept"):
            train(network, out=tmp_path / "stopped", report=False)
    gone_on = resume(tmp_path / "stopped", report=False)
    assert model_files(gone_on.path) == model_files(whole.path)
    if more:
        assert 2 < len(gone_on.learning_curve) < 40
        assert "validation loss" in gone_on.learning_curve[-1]


@pytest.mark.parametrize("fault", ["memory", "nan"])
def test_a_network_that_fails_keeps_its_checkpoint(recipe, tmp_path, monkeypatch, fault):
    torch = pytest.importorskip("torch", reason="the neural extra is not installed")
    from recsmith.models import EmbeddingDotBias

    settings = {"embedding_dim": 4, "n_epochs": 4, "batch_size": 64}
    network = recipe.model_copy(
        update={
            "model": recipe.model.model_copy(update={"name": "EmbeddingDotBias", "settings": settings}),
            "run": recipe.run.model_copy(update={"checkpoint_every": 10}),
        }
    )
    whole = train(network, out=tmp_path / "whole", report=False)
    right, n_steps = EmbeddingDotBias._loss, 0

    def fails(model, net, batch):
        nonlocal n_steps
        n_steps += 1
        if n_steps < 26:
            return right(model, net, batch)
        if fault == "memory":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return right(model, net, batch) * float("nan")

    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(EmbeddingDotBias, "_loss", fails)
        with pytest.raises(NotTrained, match=r"Lower (batch_size|learning_rate).*recsmith train --resume"):
            train(network, out=out, report=False)
        kept = out / "checkpoints"
        assert (kept / ("step-000000025" if fault == "memory" else "step-000000020")).is_dir()
        with pytest.raises(NotTrained):  # still no room; nothing is lost
            resume(out, report=False)
    assert model_files(resume(out, report=False).path) == model_files(whole.path)


def test_descent_that_diverges_goes_on_from_before(recipe, tmp_path, monkeypatch):
    from recsmith.models.factorization.fm_learn import Descent

    settings = {"method": "sgd", "embedding_dim": 3, "n_epochs": 5}
    machine = recipe.model_copy(
        update={
            "model": recipe.model.model_copy(update={"name": "FactorizationMachine", "settings": settings})
        }
    )
    whole = train(machine, out=tmp_path / "whole", report=False)
    epoch_of = Descent.epoch

    def leaps(descent, draws, epoch, settings):
        rate = 1e6 if epoch == 2 else settings.learning_rate
        return epoch_of(descent, draws, epoch, settings.model_copy(update={"learning_rate": rate}))

    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(Descent, "epoch", leaps)
        with pytest.raises(NotTrained, match=r"\(epoch 3, step .*Lower learning_rate.*train --resume"):
            train(machine, out=out, report=False)
    assert checkpoint.Checkpoint.load(out).epochs_done == 2
    assert model_files(resume(out, report=False).path) == model_files(whole.path)


def test_a_damaged_checkpoint_is_told(recipe, tmp_path, monkeypatch):
    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        interrupt_after(patch, 2)
        with pytest.raises(Interrupted):
            train(recipe, out=out, report=False)
    (out / "checkpoints" / "last.safetensors").write_bytes(b"half")
    with pytest.raises(RecsmithError, match="must be a checkpoint"):
        resume(out, report=False)
    assert open_run(out).status["state"] == "interrupted"


def test_only_a_stopped_run_goes_on(trained, tmp_path):
    with pytest.raises(InvalidValue, match="a run that was stopped"):
        resume(trained.path)
    with pytest.raises(InvalidValue, match="--resume must be a run that was stopped"):
        resume(tmp_path / "absent")


def test_going_on_with_other_data_is_refused(recipe_file, tmp_path, monkeypatch):
    log = tmp_path / "log.csv"
    log.write_bytes((recipe_file.parent / "log.csv").read_bytes())
    recipe = load_recipe(recipe_file, overrides=[f'data.path="{log}"'])
    with monkeypatch.context() as patch:
        interrupt_after(patch, 2)
        with pytest.raises(Interrupted):
            train(recipe, out=tmp_path / "run", report=False)
    with log.open("a", encoding="utf-8") as more:
        more.write("1700000000;1;i000;5\n")
    with pytest.raises(RecsmithError, match="data must be what the run began with"):
        resume(tmp_path / "run", report=False)
    assert open_run(tmp_path / "run").status["state"] == "interrupted"


@pytest.mark.parametrize(
    ("ids", "mark"),
    [(Vocabulary(["a", "bé"]), "e166a865ea95b6dd-2"), (Vocabulary([3, 5]), "89b41b5d4d7fb446-2")],
)
def test_the_mark_of_data_is_the_same_everywhere(ids, mark):
    log = Interactions.from_arrays([0, 1], [1, 0], [4.0, 2.5], [1000, 2000])
    data = Dataset(log, ids, ids)
    assert fingerprint(data) == mark
    assert fingerprint(Dataset(log, ids, Vocabulary(["ab", "é"]))) != mark
    assert fingerprint(data.with_interactions(log.select(np.array([0])))) != mark


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


def test_relative_paths_of_a_recipe_in_python_start_at_the_working_folder(
    recipe_file, trained, tmp_path, monkeypatch
):
    monkeypatch.chdir(recipe_file.parent)
    near = parse_recipe(tomllib.loads(recipe_file.read_text(encoding="utf-8")))
    assert not Path(near.data.model_dump()["path"]).is_absolute()
    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        interrupt_after(patch, 2)
        with pytest.raises(Interrupted):
            train(near, out=out, report=False)
    monkeypatch.chdir(tmp_path)  # the run folder finds its data from anywhere
    assert resume(out, report=False).metrics == trained.metrics
    assert open_run(out).data().n_users == trained.data().n_users
