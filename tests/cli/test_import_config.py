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


def test_what_is_wrong_is_said(recsmith, config, tmp_path):
    missing = recsmith("import-config", tmp_path / "none.pbtxt")
    assert missing.status != 0 and "FILE must be" in missing.err
    wrong = recsmith("import-config", config, "--hidden-layer-dims", "32;16")
    assert wrong.status != 0 and "whole numbers with commas" in wrong.err
