"""`recsmith import-config`: a recipe on standard output, which can be read back."""

import tomllib

import pytest

pytest.importorskip("google.protobuf", reason="the tensorflow-config extra is not installed")

from recsmith.config.recipe import parse_recipe

CONFIG = """
activity_feature_groups {
  features {
    feature_name: "context_movie_id" feature_type: INT vocab_size: 3953 embedding_dim: 8 feature_length: 10
  }
  encoder_type: LSTM
}
label_feature { feature_name: "label_movie_id" feature_type: INT vocab_size: 3953 embedding_dim: 8 }
"""


@pytest.fixture
def config(tmp_path):
    file = tmp_path / "c.pbtxt"
    file.write_text(CONFIG)
    return file


def test_a_recipe_comes_out(recsmith, config):
    told = recsmith("import-config", config, "--hidden-layer-dims", "32,16", "--lstm-num-units", "12")
    assert told.status == 0 and told.out.startswith("# From c.pbtxt")
    recipe = parse_recipe(tomllib.loads(told.out))
    assert recipe.model.settings["hidden_layers"] == [32, 16]
    assert recipe.model.settings["activity_groups"][0]["n_units"] == 12
    assert recsmith("import-config", config, "--json").json["model"]["class"] == "NextItem"


def test_training_is_printed_and_can_be_asked_for(recsmith, config):
    usual = recsmith("import-config", config, "--json").json["model"]
    assert (usual["optimizer"], usual["learning_rate"], usual["patience"]) == ("adagrad", 0.1, 3)
    words = ("--learning-rate", "0.05", "--batch-size", "64", "--steps-per-epoch", "1", "--num-epochs", "2")
    asked = recsmith("import-config", config, *words, "--gradient-clip-norm", "0", "--json").json["model"]
    assert (asked["learning_rate"], asked["batch_size"], asked["n_epochs"]) == (0.05, 6, 1)
    assert "clip_norm" not in asked
    half = recsmith("import-config", config, "--num-epochs", "2")
    assert half.status == 2 and "given both or neither" in half.err


def test_what_is_wrong_is_said(recsmith, config, tmp_path):
    missing = recsmith("import-config", tmp_path / "none.pbtxt")
    assert missing.status != 0 and "FILE must be" in missing.err
    wrong = recsmith("import-config", config, "--hidden-layer-dims", "32;16")
    assert wrong.status != 0 and "whole numbers with commas" in wrong.err
