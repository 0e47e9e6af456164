"""Configs of TensorFlow's on-device framework: every field is read, and becomes a recipe that is one."""

import tomllib

import pytest

pytest.importorskip("google.protobuf", reason="the tensorflow-config extra is not installed")

from recsmith.config.recipe import parse_recipe
from recsmith.config.tf_config import (
    TfFeature,
    TfFlags,
    parse_tf_config,
    read_tf_config,
    recipe_of,
    render,
)
from recsmith.errors import InvalidValue

SAMPLE = """
# The framework's sample, in its shape.
activity_feature_groups {
  features {
    feature_name: "context_movie_id" feature_type: INT vocab_size: 3953 embedding_dim: 8 feature_length: 10
  }
  features { feature_name: "context_movie_rating", feature_type: FLOAT, feature_length: 10 }
  encoder_type: CNN
}
activity_feature_groups {
  features: <
    feature_name: 'context_' "movie_genre";
    feature_type: STRING
    vocab_name: "movie_genre_vocab.txt"
    vocab_size: 19
    embedding_dim: 4
    feature_length: 32
  >
  encoder_type: 1
}
label_feature {
  feature_name: "label_movie_id" feature_type: INT vocab_size: 3953 embedding_dim: 8 feature_length: 1
}
"""


def test_every_field_of_the_sample_is_read():
    config = parse_tf_config(SAMPLE)
    ids, genres = config.activity_groups
    assert ids.encoder == genres.encoder == "CNN"
    assert ids.features == (
        TfFeature("context_movie_id", "INT", None, 3953, 8, 10),
        TfFeature("context_movie_rating", "FLOAT", None, None, None, 10),
    )
    assert genres.features == (
        TfFeature("context_movie_genre", "STRING", "movie_genre_vocab.txt", 19, 4, 32),
    )
    assert config.label == TfFeature("label_movie_id", "INT", None, 3953, 8, 1)


def test_the_sample_as_a_recipe():
    flags = TfFlags(hidden_layer_dims=(32,), conv_num_filter_ratios=(2, 4), conv_kernel_size=2)
    config = parse_tf_config(SAMPLE)
    text = render(recipe_of(config, flags), config, source="sample.pbtxt")
    recipe = parse_recipe(tomllib.loads(text))
    settings = recipe.model.settings
    assert recipe.model.name == "NextItem"
    assert settings["context_length"] == 10 and settings["hidden_layers"] == [32]
    assert settings["label"] == {"embedding_dim": 8, "vocabulary_size": 3953}
    ids, genres = settings["activity_groups"]
    assert ids["encoder"] == "cnn" and ids["n_filters"] == [16, 32] and ids["kernel_size"] == 2
    assert ids["features"] == [
        {"name": "item_id", "type": "int", "embedding_dim": 8, "shared": False},
        {"name": "rating", "type": "float"},
    ]
    assert genres["features"] == [
        {"name": "genres", "type": "string", "embedding_dim": 4, "vocabulary_size": 18}
    ]
    assert "context_movie_genre is the column genres." in text
    assert "movie_genre_vocab.txt is not read" in text


def test_it_trains_as_the_launcher_does_or_as_validation_says():
    config = parse_tf_config(SAMPLE)
    usual = recipe_of(config)["model"]
    assert (usual["optimizer"], usual["schedule"], usual["dropout"]) == ("adagrad", "constant", 0.0)
    assert (usual["learning_rate"], usual["clip_norm"]) == (0.1, 1.0)
    assert (usual["n_epochs"], usual["patience"]) == (50, 3)
    assert "batch_size" not in usual
    flags = TfFlags(
        learning_rate=0.01, gradient_clip_norm=0, batch_size=256, steps_per_epoch=3500, num_epochs=3
    )
    asked = recipe_of(config, flags)["model"]
    assert (asked["learning_rate"], asked["n_epochs"]) == (0.01, 4)  # 2,688,000 of 894,752 examples
    assert asked["batch_size"] == 2  # windows of 119 events
    assert "clip_norm" not in asked and "patience" not in asked
    lstm = parse_tf_config(SAMPLE.replace("CNN", "LSTM"))
    assert recipe_of(lstm, flags)["model"]["batch_size"] == 26  # windows of 10
    assert "one teaches up to 10 of its examples" in render(recipe_of(lstm, flags), lstm, source="x")
    with pytest.raises(InvalidValue, match="given both or neither"):
        recipe_of(config, TfFlags(num_epochs=3))


def test_groups_about_the_person_an_lstm_and_what_is_not_set():
    config = parse_tf_config(
        """
        global_feature_groups { features { feature_name: "age" feature_type: FLOAT } encoder_type: LSTM }
        activity_feature_groups { features { feature_name: "shop" } }
        activity_feature_groups {
          features { feature_name: "context_movie_id" feature_type: INT } encoder_type: LSTM
        }
        label_feature { feature_name: "next" feature_type: INT }
        """
    )
    assert (
        config.activity_groups[0].encoder == "BOW" and config.activity_groups[0].features[0].type == "STRING"
    )
    recipe = recipe_of(config, TfFlags(lstm_num_units=16))
    groups = recipe["model"]["activity_groups"]
    assert [group["encoder"] for group in groups] == ["bow", "lstm"] and groups[1]["n_units"] == 16
    assert recipe["model"]["global_groups"] == [{"features": [{"name": "age", "type": "float"}]}]
    text = render(recipe, config, source="x")
    assert (
        "shop must be a column of the data." in text and "the encoder of a global group is not used" in text
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("activity_feature_groups { encoder: BOW }", r'no field named "encoder"'),
        ("label_feature {", "proto3 text format"),
        ("", "label_feature has a feature_name"),
        ('label_feature { feature_name: "x" feature_type: STRING }', "feature_type must be INT. Got STRING"),
        ('label_feature { feature_name: "x" feature_type: INT }', "has activity_feature_groups"),
        (SAMPLE.replace("embedding_dim: 4", "embedding_dim: 0"), "embedding_dim must be 1 or more. Got 0"),
        (SAMPLE.replace('feature_name: "context_movie_id"', ""), "a feature must be given a feature_name"),
        (SAMPLE.replace("CNN", "GRU"), "GRU"),
        (
            'label_feature { feature_name: "x" feature_type: INT } activity_feature_groups {}',
            "given features",
        ),
    ],
)
def test_what_is_wrong_is_named(text, message):
    with pytest.raises(InvalidValue, match=message):
        parse_tf_config(text, name="c.pbtxt")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InvalidValue, match="FILE must be an input config"):
        read_tf_config(tmp_path / "none.pbtxt")
