"""A whole search: resumable, blind to the test, in processes, with a winner that trains as it is."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from recsmith.config import load_recipe, parse_recipe
from recsmith.errors import InvalidValue
from recsmith.runs import Interrupted, train, tune
from recsmith.runs.tuning import crew as crews
from recsmith.runs.tuning.crew import Crew
from recsmith.runs.tuning.study import STORE
from recsmith.runs.tuning.tune import NoTrialFinished
from recsmith.testing.toy import tastes

pytest.importorskip("optuna", reason="the tune extra is not installed")

OWN_MODEL = """
import os, time
from recsmith.config.space import Choices
from recsmith.models import IALS

class TemperConfig(IALS.Config):
    mood: str = "good"

class Temper(IALS):
    Config = TemperConfig

    def _fit(self, data, run):
        if self.config.mood == "angry":
            raise ValueError("not today")
        if self.config.mood == "dead":
            os.kill(os.getpid(), 9)
        if self.config.mood == "slow":
            time.sleep(0.4)
        super()._fit(data, run)
"""


def shop(folder: Path, *, last: str = "") -> Path:
    """Writes a log and its recipe; with `last`, everybody's last event, the test, is that item instead."""
    folder.mkdir(exist_ok=True)
    data = tastes()
    events = data.interactions
    log = pl.DataFrame(
        {
            "user": data.users.ids.gather(events.user),
            "item": data.items.ids.gather(events.item),
            "weight": events.weight,
            "time": events.time,
        }
    )
    if last:
        is_last = pl.col("time") == pl.col("time").max().over("user")
        log = log.with_columns(item=pl.when(is_last).then(pl.lit(last)).otherwise(pl.col("item")))
    log.write_csv(folder / "log.csv")
    items = pl.DataFrame({"item_id": data.items.ids})  # one catalogue, whatever the last events are
    items.write_csv(folder / "items.csv")
    recipe = folder / "recipe.toml"
    recipe.write_text(RECIPE, encoding="utf-8")
    return recipe


RECIPE = """
[data]
source = "table"
path = "log.csv"

[data.items]
path = "items.csv"
id = "item_id"

[model]
class = "IALS"
embedding_dim = 8
n_epochs = 4

[run]
progress = false

[evaluate]
metrics = ["NDCG@10", "Coverage@10"]
n_bootstrap = 50

[tune]
trials = 8

[tune.space]
model.embedding_dim = { low = 2, high = 32, log = true }
model.unobserved_weight = { low = 0.01, high = 1.0, log = true }
"""


def told(found):
    return [(trial.number, trial.state, trial.values, trial.value) for trial in found.trials]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("tune")


@pytest.fixture(scope="module")
def found(place):
    return tune(load_recipe(shop(place / "shop")), out=place / "tuning", report=False)


def test_what_it_leaves(found, place):
    assert sum(found.counts().values()) == 8
    assert found.own.values == {"model.embedding_dim": 8, "model.unobserved_weight": 0.2}
    assert found.best.value >= found.own.value
    names = {"best.toml", "recipe.toml", "trials.csv", "tune.json", STORE}
    assert names <= {file.name for file in found.path.iterdir()}
    table = pl.read_csv(found.path / "trials.csv")
    assert len(table) == 8
    assert table["NDCG@10"][0] == pytest.approx(found.best.value)
    summary = json.loads((found.path / "tune.json").read_text(encoding="utf-8"))
    low, high = (summary["best"][end] for end in ("low", "high"))
    assert low <= found.best.value <= high


def test_the_winner_trains_as_it_is(found, place):
    recipe = load_recipe(found.path / "best.toml")
    assert recipe == found.best_recipe
    assert {
        f"model.{name}": recipe.model.settings[name] for name in ("embedding_dim", "unobserved_weight")
    } == (found.best.values)
    run = train(recipe, out=place / "run", report=False, progress=False)
    assert 0 < run.metrics["NDCG@10"]["value"] <= 1


def test_another_test_changes_nothing(found, place):
    other = tune(load_recipe(shop(place / "other", last="i039")), out=place / "other-tuning", report=False)
    assert told(other) == told(found)
    assert (place / "other" / "log.csv").read_bytes() != (place / "shop" / "log.csv").read_bytes()


def test_killed_at_any_moment_it_goes_on_as_if_nothing_had_happened(found, place):
    folder = place / "killed"
    command = [sys.executable, "-m", "recsmith.cli.main", "tune", str(place / "shop" / "recipe.toml")]
    command += ["--out", str(folder), "--no-progress", "--no-report"]
    with (place / "killed.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and process.poll() is None:
            journal = folder / STORE
            if journal.is_file() and journal.read_bytes().count(b'"state":1') >= 2:  # two are done
                break
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    again = tune(load_recipe(place / "shop" / "recipe.toml"), out=folder, report=False)
    done = [(values, value) for _, state, values, value in told(again) if state != "stopped"]
    assert done == [(values, value) for _, _, values, value in told(found)]


def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(found, place, monkeypatch):
    recipe, folder = load_recipe(place / "shop" / "recipe.toml"), place / "ctrl-c"
    heard, ended = Crew.next, []

    def and_then_ctrl_c(crew):
        said = heard(crew)
        ended.extend([1] if said and said[1]["kind"] in ("done", "pruned") else [])
        if len(ended) == 3:
            raise KeyboardInterrupt
        return said

    with monkeypatch.context() as patch:
        patch.setattr(Crew, "next", and_then_ctrl_c)
        with pytest.raises(Interrupted, match="Stopped after 2 trials; they are kept in .*ctrl-c. The same"):
            tune(recipe, out=folder, report=False)
    assert (folder / "best.toml").is_file()
    again = tune(recipe, out=folder, report=False)
    done = [(values, value) for _, state, values, value in told(again) if state != "stopped"]
    assert done == [(values, value) for _, _, values, value in told(found)]
    assert again.counts()["stopped"] == 1


def test_more_trials_go_on_and_the_same_number_is_done_at_once(found, place):
    recipe = load_recipe(place / "shop" / "recipe.toml")
    lines = []
    assert told(tune(recipe, out=found.path, report=False, say=lines.append)) == told(found)
    assert lines == [f"Going on with 8 trials in {found.path}."]


def test_two_at_a_time_and_a_page(place):
    pytest.importorskip("vl_convert", reason="the report extra is not installed")
    recipe = load_recipe(place / "shop" / "recipe.toml")
    both = tune(recipe, out=place / "both", trials=5, jobs=2)
    assert sorted(trial.number for trial in both.trials) == list(range(5))
    page = (both.path / "report.html").read_text(encoding="utf-8")
    assert "Trial by trial" in page and "unobserved_weight" in page


def test_settings_that_fail_and_a_process_that_dies_cost_their_trial_alone(place, monkeypatch):
    (place / "temper.py").write_text(OWN_MODEL, encoding="utf-8")
    monkeypatch.syspath_prepend(str(place))
    raw = load_recipe(place / "shop" / "recipe.toml").model_dump(by_alias=True)
    raw["model"] = {"class": "temper.Temper", "embedding_dim": 4, "n_epochs": 2}
    raw["tune"] = {"space": {"model.mood": ["angry", "dead", "good"]}}
    ended = tune(parse_recipe(raw), out=place / "temper", report=False)
    state = {trial.values["model.mood"]: (trial.state, trial.why) for trial in ended.trials}
    assert state["good"] == ("done", "")
    assert state["angry"] == ("failed", "ValueError: not today")
    assert state["dead"][0] == "failed" and "killed (status -9); out of memory?" in state["dead"][1]
    raw["tune"] = {"space": {"model.mood": ["angry"]}}
    with pytest.raises(NoTrialFinished, match="Got 1 that failed, the last: ValueError: not today"):
        tune(parse_recipe(raw), out=place / "hopeless", report=False)


def test_a_store_of_another_recipe_or_other_data_is_refused(found, place):
    recipe = load_recipe(place / "shop" / "recipe.toml")
    other = load_recipe(place / "shop" / "recipe.toml", overrides=["model.n_epochs=5"])
    with pytest.raises(
        InvalidValue, match=r"tuning store must be of this recipe.*model.n_epochs is 4; here it is 5"
    ):
        tune(other, out=found.path)
    narrower = load_recipe(
        place / "shop" / "recipe.toml", overrides=["tune.space.model.embedding_dim.high=16"]
    )
    with pytest.raises(InvalidValue, match=r"tune.space.model.embedding_dim.high is 32; here it is 16"):
        tune(narrower, out=found.path)
    events = (place / "shop" / "log.csv").read_text(encoding="utf-8")
    changed = place / "changed"
    shop(changed)
    (changed / "log.csv").write_text(events.replace("5.0", "4.0"), encoding="utf-8")
    with pytest.raises(InvalidValue, match="tuning store must be of these data"):
        tune(load_recipe(changed / "recipe.toml"), out=found.path)
    mine = place / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(InvalidValue, match="--out must be a new path, or a tuning to go on with"):
        tune(recipe, out=mine, overwrite=True)
    assert (mine / "thesis.txt").is_file()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "tune.space.model.n_epoch=[1, 2]",
            "must be a setting of IALS. Got n_epoch. Did you mean 'n_epochs'?",
        ),
        ("tune.space.modle.n_epochs=[1, 2]", "must be a setting of the model"),
        ("tune.space.data.size=[1, 2]", "must be a setting of the model"),
        ("tune.space.model.class=['EASE']", "must be a setting of the model"),
        (
            "tune.space.model.n_epochs={low = 9, high = 3}",
            "low is below its high. Got low = 9, high = 3. Turn them",
        ),
        ("tune.space.model.n_epochs={low = 0, high = 3}", "must be values that the model takes. Got 0"),
        (
            "tune.space.model.weighting=['binary', 'tfidf']",
            "must be values that the model takes. Got 'tfidf'",
        ),
        ("tune.metric='NDGC@10'", "metric must be a known metric. Got 'NDGC@10'. Did you mean NDCG@10?"),
        ("tune.metric='RMSE'", "PredictsRatings"),
        ("tune.trials=0", "tune.trials must be greater than or equal to 1"),
        ("tune.sampler='annealing'", "tune.sampler must be"),
    ],
)
def test_what_cannot_be_searched_is_said_before_anything_runs(place, override, message, tmp_path):
    shop(place / "shop")
    with pytest.raises(Exception) as caught:
        tune(load_recipe(place / "shop" / "recipe.toml", overrides=[override]), out=tmp_path / "t")
    assert message in str(caught.value)
    assert not (tmp_path / "t").exists()


def test_a_model_with_nothing_to_search_is_said(place, tmp_path):
    shop(place / "shop")
    recipe = load_recipe(
        place / "shop" / "recipe.toml", overrides=["model={class = 'Pipeline'}", "tune={trials = 2}"]
    )
    with pytest.raises(InvalidValue, match="tune.space must be given for Pipeline"):
        tune(recipe, out=tmp_path / "t")


def test_no_time_is_said(place, tmp_path):
    shop(place / "shop")
    recipe = load_recipe(place / "shop" / "recipe.toml")
    with pytest.raises(NoTrialFinished, match="Got none in the time there was"):
        tune(recipe, out=tmp_path / "t", timeout=1e-9)
    with pytest.raises(InvalidValue, match="jobs must be a whole number, 1 or more"):
        tune(recipe, out=tmp_path / "t", jobs=0)


def test_never_more_side_by_side_than_memory_holds(tmp_path, monkeypatch):
    crew = Crew(tmp_path, jobs=8, n_threads=1)

    class Working:
        pid, trial = 1, 0

    monkeypatch.setattr(crews, "_resident_gb", lambda pid: 3.0)
    monkeypatch.setattr(crews, "free_gb", lambda: 10.0)
    assert crew.room() == 1  # the first, alone
    crew._workers = [Working()]
    assert crew.room() == 0  # until it is known what one needs
    crew.most_gb = 4.0
    assert crew.room() == 2  # 9 GB, of which the one at work may still take 1
    monkeypatch.setattr(crews, "free_gb", lambda: 4.0)
    assert crew.room() == 0
    crew._workers = []
    assert crew.room() == 1  # one always
