"""The trials of a search: what comes next, what a stop leaves, what is asked only once."""

import math

import pytest

from recsmith.config.space import Choices, Range
from recsmith.errors import RecsmithError
from recsmith.runs.tuning.study import STORE, Study

pytest.importorskip("optuna", reason="the tune extra is not installed")
SPACE = {"model.x": Range(0.01, 100.0, log=True), "model.kind": Choices((None, True, "good"))}


def study(folder=None, *, space=SPACE, n_trials=12, **more):
    return Study(space, higher_is_better=True, n_trials=n_trials, folder=folder, **more)


def quality(values):
    return (values["model.kind"] == "good") - abs(math.log10(values["model.x"]))


def run(searched, n=100):
    done = 0
    while done < n and (trial := searched.ask()) is not None:
        searched.tell(trial.number, quality(trial.values), {"seconds": 1.0})
        done += 1
    return [(trial.values, trial.value) for trial in searched.trials()]


def test_it_finds_what_is_good_and_says_what_mattered():
    searched = study(n_trials=40)
    run(searched)
    best = searched.best()
    assert best.values["model.kind"] == "good"
    assert best.value > 0.7
    shares = searched.importances()
    assert set(shares) == set(SPACE) and sum(shares.values()) == pytest.approx(1)
    assert searched.ask() is None and searched.n_left == 0


def test_a_stopped_search_goes_on_as_if_it_had_not_stopped(tmp_path):
    whole = run(study())
    for stop_at in (1, 4, 9):
        folder = tmp_path / str(stop_at)
        folder.mkdir()
        before = study(folder)
        run(before, stop_at)
        before.ask()  # runs when the process is killed
        with (folder / STORE).open("ab") as file:
            file.write(b'{"op_code": 4, "worker_id"')  # a line that a power cut tore
        after = study(folder)
        assert after.recover() == 1
        run(after)
        done = [(t.values, t.value) for t in after.trials() if t.state == "done"]
        assert done == whole
        stopped = [t for t in after.trials() if t.state == "stopped"]
        assert [t.why for t in stopped] == ["stopped while it ran"]


def test_a_trial_that_was_stopped_twice_is_left(tmp_path):
    first = study(tmp_path)
    culprit = first.ask().values
    for _ in range(2):
        again = study(tmp_path)
        assert again.recover() == 1
        following = again.ask()
    assert following.values != culprit
    assert again.n_left == 10  # the one that was stopped twice, and the one that runs


def test_the_first_trial_is_what_one_began_with():
    searched = study()
    searched.begin_with({"model.x": 1.0, "model.kind": None})
    first = searched.ask()
    assert first.values == {"model.x": 1.0, "model.kind": None} and first.is_own
    searched.tell(first.number, 1.0, {})
    assert not searched.ask().is_own


def test_choices_that_look_alike_stay_apart():
    searched = study(space={"model.a": Choices((1, True, "1", [64, 32], None))}, n_trials=9)
    tried = []
    while (trial := searched.ask()) is not None:
        tried.append(trial.values["model.a"])
        searched.tell(trial.number, 0.0, {})
    assert [(type(one), one) for one in tried] == [
        (int, 1), (bool, True), (str, "1"), (list, [64, 32]), (type(None), None)
    ]  # fmt: skip


def test_a_small_space_is_tried_whole_each_once():
    space = {"model.a": Choices((1, 2)), "model.b": Range(10, 30, step=10)}
    searched = study(space=space, n_trials=40)
    seen = []
    while (trial := searched.ask()) is not None:
        seen.append(tuple(trial.values.values()))
        searched.tell(trial.number, 0.0, {})
    assert sorted(seen) == [(a, b) for a in (1, 2) for b in (10, 20, 30)]
    with pytest.raises(RecsmithError, match="Got a range without step"):
        study(sampler="grid")


def test_one_behind_most_others_is_ended_and_one_ahead_is_not():
    searched = study()
    for value in (0.5, 0.6, 0.7, 0.8, 0.9):
        trial = searched.ask()
        assert not searched.report(trial.number, 25, value)
        searched.tell(trial.number, value, {})
    ahead = searched.ask()
    assert not searched.report(ahead.number, 25, 0.75)
    searched.tell(ahead.number, 0.8, {})
    behind = searched.ask()
    assert searched.report(behind.number, 25, 0.3)
    searched.pruned(behind.number, {})
    assert searched.trials()[-1].state == "pruned" and searched.trials()[-1].steps == {25: 0.3}


def test_settings_that_failed_are_kept_with_their_reason():
    searched = study()
    trial = searched.ask()
    searched.failed(trial.number, "loss must be a number")
    assert searched.trials()[0].state == "failed" and "must be a number" in searched.trials()[0].why
    searched.tell(searched.ask().number, float("nan"), {})
    assert searched.trials()[1].why == "its figure must be a number. Got nan."
    assert searched.best() is None and searched.importances() == {}


def test_a_store_that_is_none_is_said(tmp_path):
    (tmp_path / STORE).write_text('{"op_code": 99}\n', encoding="utf-8")
    with pytest.raises(RecsmithError, match="must be a store of trials"):
        study(tmp_path)
