"""What was stopped goes on: Ctrl-C, faults and divergence keep what is done; resume ends like a whole run."""

import os
import signal
import tomllib
from pathlib import Path

import numpy as np
import pytest
from tests.runs.test_training_run import model_files, with_model

import recsmith
from recsmith.config.recipe import load_recipe, parse_recipe
from recsmith.data import Dataset, Interactions, Vocabulary
from recsmith.errors import InvalidValue, RecsmithError
from recsmith.runs import Interrupted, NotJudged, NotTrained, checkpoint, open_run, resume, train
from recsmith.runs.build import fingerprint


def interrupt_after(monkeypatch: pytest.MonkeyPatch, epoch: int) -> None:
    """Sends Ctrl-C in the midst of an epoch, counted from 1."""
    log = recsmith.Run.log

    def log_and_interrupt(run: recsmith.Run, **figures: float) -> None:
        log(run, **figures)
        if run.history[-1]["epoch"] == epoch - 1:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(recsmith.Run, "log", log_and_interrupt)


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
