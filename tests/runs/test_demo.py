"""The demo on somebody's own log: the same job, whatever the log has."""

import pytest

from recsmith.config import load_recipe
from recsmith.errors import InvalidValue
from recsmith.runs import open_run
from recsmith.runs.demo import demo
from recsmith.runs.stage import Stage


class Listener(Stage):
    def __init__(self) -> None:
        self.said: list[str] = []
        self.people: list[str] = []

    def say(self, text):
        self.said.append(text)

    def recommendations(self, who, liked, lines):
        self.people.append(who)
        assert liked
        assert lines


def test_ones_own_log_gets_the_same_job_and_its_recipes_model(recipe, tmp_path):
    stage = Listener()
    found = demo(tmp_path / "d", recipe=recipe, report=False, stage=stage)
    assert set(found["leaderboard"]) == {
        "Popular", "TfIdfContent", "ItemKNN", "UserKNN", "RP3beta",
        "PureSVD", "EASE", "SLIM", "GFCF", "IALS", "BPR",
    }  # fmt: skip
    assert set(found["ratings"]) == {"ItemKNN", "PureSVD", "FunkSVD"}
    assert len(stage.people) == 2
    run = open_run(tmp_path / "d")
    assert run.metrics == found["leaderboard"][found["best"]]
    assert run.evaluate().to_dict() == run.metrics
    assert set(run.evaluations) == set(found["leaderboard"])
    assert any(line["because"] for line in found["recommendations"]["Someone new"])


def test_a_model_that_cannot_learn_from_the_log_is_left_out_and_said_so(recipe_file, tmp_path):
    text = recipe_file.read_text(encoding="utf-8")
    bare = recipe_file.parent / "bare.toml"
    bare.write_text(text[: text.index("[data.items]")] + text[text.index("[model]") :], encoding="utf-8")
    stage = Listener()
    names = ["Popular", "TfIdfContent"]
    found = demo(tmp_path / "d", recipe=load_recipe(bare), models=names, report=False, stage=stage)
    assert list(found["leaderboard"]) == ["Popular"]
    assert any("TfIdfContent  is left out" in line and "Join a table of items" in line for line in stage.said)
    with pytest.raises(InvalidValue, match="at least one feature for TfIdfContent"):
        demo(tmp_path / "e", recipe=load_recipe(bare), models=["TfIdfContent"], report=False)
    assert not (tmp_path / "e").exists()


def test_people_who_are_all_new_are_shown_as_such(recipe_file, tmp_path):
    strong = load_recipe(recipe_file, overrides=["split={rule='hold_out_users', fraction=0.3}"])
    stage = Listener()
    demo(tmp_path / "d", recipe=strong, models=["ItemKNN"], report=False, stage=stage)
    assert stage.people == ["Someone new (ItemKNN)"]


def test_nothing_held_out_is_nothing_to_show(recipe_file, tmp_path):
    everything = load_recipe(recipe_file, overrides=["split.rule=none"])
    with pytest.raises(InvalidValue, match="split must be one that holds something out"):
        demo(tmp_path / "d", recipe=everything, report=False)


def test_the_page_of_a_demo_can_be_written_again_with_all_models(recipe, tmp_path):
    pytest.importorskip("vl_convert", reason="the report extra is not installed")
    demo(tmp_path / "d", recipe=recipe, models=["Popular", "ItemKNN"], report=False)
    page = open_run(tmp_path / "d").write_report().read_text(encoding="utf-8")
    assert "ItemKNN" in page
    assert "Popular" in page
