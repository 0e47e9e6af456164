"""Reads the input config of TensorFlow's on-device recommendation framework and makes a recipe of it.

The schema is `InputConfig` of lite/examples/recommendation, in proto3 text format; protobuf's own reader does
the parsing, so all of the format is understood: comments, both kinds of brackets, enum numbers, lists.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tomli_w

from recsmith.errors import InvalidValue, Shown, require

EXTRA = "tensorflow-config"
_TYPES = ("STRING", "INT", "FLOAT")
_ENCODERS = ("BOW", "CNN", "LSTM")
_PACKAGE = "recsmith.tensorflow"
_EXAMPLES = 894_752  # of its own example generation: nine tenths of those of MovieLens 1M
_COLUMNS = {"movie_id": "item_id", "movie_rating": "rating", "movie_genre": "genres", "movie_year": "year"}


@dataclass(frozen=True)
class TfFeature:
    """One `Feature`; None where the file says nothing."""

    name: str
    type: Literal["STRING", "INT", "FLOAT"] = "STRING"
    vocab_name: str | None = None
    vocab_size: int | None = None
    embedding_dim: int | None = None
    length: int | None = None


@dataclass(frozen=True)
class TfGroup:
    """One `FeatureGroup`; an encoder that is not set is BOW, as proto3 reads it."""

    features: tuple[TfFeature, ...]
    encoder: Literal["BOW", "CNN", "LSTM"] = "BOW"


@dataclass(frozen=True)
class TfConfig:
    """The whole `InputConfig`."""

    label: TfFeature
    activity_groups: tuple[TfGroup, ...]
    global_groups: tuple[TfGroup, ...] = ()


@dataclass(frozen=True)
class TfFlags:
    """The launcher's flags that say what the network is and how it learns.

    None stands for defaults of the launcher that nobody trains with: batches of one example, and 10,000
    epochs of 10 steps, a tenth of MovieLens 1M in all.
    """

    hidden_layer_dims: tuple[int, ...] = ()
    conv_num_filter_ratios: tuple[int, ...] = (1,)
    conv_kernel_size: int = 4
    lstm_num_units: int = 4
    learning_rate: float = 0.1
    gradient_clip_norm: float = 1.0
    """0 or less: the gradient is left as it is."""
    batch_size: int | None = None
    """Examples, each a context and its label."""
    steps_per_epoch: int | None = None
    num_epochs: int | None = None


def read_tf_config(path: Path | str) -> TfConfig:
    """Reads a `.pbtxt`; raises `InvalidValue` with the line of what is not in the schema."""
    file = Path(path)
    if not file.is_file():
        raise InvalidValue("FILE", "an input config in proto3 text format", str(path))
    return parse_tf_config(file.read_text(encoding="utf-8"), name=str(path))


def parse_tf_config(text: str, *, name: str = "config") -> TfConfig:
    """Reads the text of a config."""
    text_format = require("google.protobuf.text_format", extra=EXTRA)
    message = _message_class()()
    try:
        text_format.Parse(text, message)
    except text_format.ParseError as error:
        raise InvalidValue(name, "an InputConfig in proto3 text format", Shown(str(error))) from None
    if not message.HasField("label_feature") or not message.label_feature.feature_name:
        raise InvalidValue(name, "such that label_feature has a feature_name", Shown("none"))
    label = _feature(message.label_feature)
    if label.type != "INT":
        raise InvalidValue(f"{name}: label_feature.feature_type", "INT", Shown(label.type))
    activity = tuple(_group(group) for group in message.activity_feature_groups)
    if not activity:
        raise InvalidValue(name, "such that it has activity_feature_groups", Shown("none"))
    return TfConfig(label, activity, tuple(_group(group) for group in message.global_feature_groups))


def recipe_of(config: TfConfig, flags: TfFlags | None = None) -> dict[str, Any]:
    """Returns the recipe of the same network, as a mapping that `parse_recipe` takes."""
    asked = flags or TfFlags()
    dim = config.label.embedding_dim or 8
    # The framework pads each feature to a length of its own; ours has one, counted in events.
    ids = [f for g in config.activity_groups for f in g.features if _column(f) == "item_id"]
    context = max([f.length or 1 for f in ids] or [f.length or 1 for f in config.activity_groups[0].features])
    label: dict[str, Any] = {"embedding_dim": dim}
    if config.label.vocab_size:
        label["vocabulary_size"] = config.label.vocab_size
    model: dict[str, Any] = {
        "class": "NextItem",
        "context_length": context,
        "min_timeline_length": 3,
        "hidden_layers": list(asked.hidden_layer_dims),
        **_training(asked, events=_events_a_window(config, context)),
        "label": label,
        "activity_groups": [_group_settings(group, asked, dim) for group in config.activity_groups],
    }
    if config.global_groups:
        model["global_groups"] = [
            {"features": [_feature_settings(f) for f in group.features]} for group in config.global_groups
        ]
    return {
        "data": {"source": "movielens", "size": "1m"},
        "split": {"rule": "leave_last_out"},
        "model": model,
    }


def _training(flags: TfFlags, *, events: int) -> dict[str, Any]:
    """Returns how the network learns: Adagrad always, and its number of epochs by validation if not given."""
    if (flags.steps_per_epoch is None) != (flags.num_epochs is None):
        given = (flags.steps_per_epoch, flags.num_epochs)
        raise InvalidValue("steps_per_epoch and num_epochs", "given both or neither", given)
    settings: dict[str, Any] = {
        "optimizer": "adagrad",
        "learning_rate": flags.learning_rate,
        "schedule": "constant",
        "dropout": 0.0,
    }
    if flags.gradient_clip_norm > 0:
        settings["clip_norm"] = flags.gradient_clip_norm
    if flags.batch_size is not None:
        settings["batch_size"] = max(1, round(flags.batch_size / events))
    if flags.steps_per_epoch is None or flags.num_epochs is None:
        return {**settings, "n_epochs": 50, "patience": 3}
    seen = flags.steps_per_epoch * flags.num_epochs * (flags.batch_size or 1)
    return {**settings, "n_epochs": max(1, math.ceil(seen / _EXAMPLES))}


def _events_a_window(config: TfConfig, context: int) -> int:
    """Returns how many examples of the framework a window of a long timeline teaches at once."""
    if any(group.encoder == "LSTM" for group in config.activity_groups):
        return context
    return max(128, 2 * context) - context + 1  # encoders that look back over a window of their own


def render(recipe: Mapping[str, Any], config: TfConfig, *, source: str) -> str:
    """Returns the recipe as TOML, with what the reader must know as comments in front."""
    said = [
        f"From {source}, by recsmith import-config.",
        "The data are those of the framework's own example generation; name your own in [data].",
        *_of_training(recipe["model"], config),
        *_remarks(config),
    ]
    return "".join(f"# {line}\n" for line in said) + "\n" + tomli_w.dumps(dict(recipe))


def _of_training(model: Mapping[str, Any], config: TfConfig) -> list[str]:
    """Returns what the settings of learning are in the launcher's terms."""
    events = _events_a_window(config, model["context_length"])
    lines = ["optimizer, learning_rate and clip_norm are the launcher's, or the flags given."]
    if "batch_size" in model:
        lines.append(f"batch_size counts windows of timelines; one teaches up to {events} of its examples.")
    if "patience" in model:
        lines.append("Its 10,000 epochs of 10 steps of one example are not copied: validation ends training.")
    else:
        lines.append("n_epochs is as many passes over MovieLens 1M as its steps make, at least one.")
    return lines


def _remarks(config: TfConfig) -> list[str]:
    """Returns a sentence for each thing that has another name or another meaning here."""
    lines = []
    for group in (*config.global_groups, *config.activity_groups):
        for feature in group.features:
            column = _column(feature)
            if column != feature.name:
                lines.append(f"{feature.name} is the column {column}.")
            elif column not in _COLUMNS.values():
                lines.append(f"{feature.name} must be a column of the data.")
            if column == "genres" and feature.length:
                lines.append(f"{feature.name}: each event has its own list; feature_length is of no use.")
            if feature.vocab_name and column != "item_id":
                lines.append(f"{feature.vocab_name} is not read: the vocabulary is learnt from the data.")
    if any(group.encoder != "BOW" for group in config.global_groups):
        lines.append("Features about the person have no order: the encoder of a global group is not used.")
    return lines


def _group_settings(group: TfGroup, flags: TfFlags, dim: int) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "encoder": group.encoder.lower(),
        "features": [_feature_settings(feature) for feature in group.features],
    }
    if group.encoder == "CNN":
        settings["n_filters"] = [dim * ratio for ratio in flags.conv_num_filter_ratios]
        settings["kernel_size"] = flags.conv_kernel_size
    if group.encoder == "LSTM":
        settings["n_units"] = flags.lstm_num_units
    return settings


def _feature_settings(feature: TfFeature) -> dict[str, Any]:
    settings: dict[str, Any] = {"name": _column(feature), "type": feature.type.lower()}
    if feature.type == "FLOAT":
        return settings
    if feature.embedding_dim is not None:
        settings["embedding_dim"] = feature.embedding_dim
    if settings["name"] == "item_id":
        settings["shared"] = False  # its tables are never shared
    elif feature.vocab_size is not None:
        settings["vocabulary_size"] = max(feature.vocab_size - 1, 1)  # it counts UNK, or the padding id 0
    return settings


def _column(feature: TfFeature) -> str:
    bare = feature.name.removeprefix("context_")
    return _COLUMNS.get(bare, feature.name)


def _group(message: Any) -> TfGroup:
    encoder: Any = _ENCODERS[message.encoder_type]
    if not message.features:
        raise InvalidValue("a feature group", "given features", Shown("none"))
    return TfGroup(tuple(_feature(feature) for feature in message.features), encoder)


def _feature(message: Any) -> TfFeature:
    if not message.feature_name:
        raise InvalidValue("a feature", "given a feature_name", Shown("none"))

    def said(name: str) -> Any:
        return getattr(message, name) if message.HasField(name) else None

    kind: Any = _TYPES[message.feature_type]
    sizes = {name: said(name) for name in ("vocab_size", "embedding_dim", "feature_length")}
    for name, value in sizes.items():
        if value is not None and value < 1:
            raise InvalidValue(f"{message.feature_name}: {name}", "1 or more", value)
    return TfFeature(
        message.feature_name,
        kind,
        said("vocab_name"),
        sizes["vocab_size"],
        sizes["embedding_dim"],
        sizes["feature_length"],
    )


def _message_class() -> Any:
    """Returns protobuf's class for `InputConfig`, described here field by field."""
    descriptor_pb2 = require("google.protobuf.descriptor_pb2", extra=EXTRA)
    pool = require("google.protobuf.descriptor_pool", extra=EXTRA).DescriptorPool()
    factory = require("google.protobuf.message_factory", extra=EXTRA)
    field = descriptor_pb2.FieldDescriptorProto
    # proto2 tracks which fields are set, as the original's `optional` does; the text is the same.
    file = descriptor_pb2.FileDescriptorProto(name="input_config.proto", package=_PACKAGE, syntax="proto2")
    for name, values in (("FeatureType", _TYPES), ("EncoderType", _ENCODERS)):
        enum = file.enum_type.add(name=name)
        for number, value in enumerate(values):
            enum.value.add(name=value, number=number)

    def message(name: str, fields: Sequence[tuple[str, int, str, bool]]) -> None:
        made = file.message_type.add(name=name)
        for number, (field_name, kind, type_name, many) in enumerate(fields, 1):
            label = field.LABEL_REPEATED if many else field.LABEL_OPTIONAL
            of = f".{_PACKAGE}.{type_name}" if type_name else None
            made.field.add(name=field_name, number=number, label=label, type=kind, type_name=of)

    message(
        "Feature",
        [
            ("feature_name", field.TYPE_STRING, "", False),
            ("feature_type", field.TYPE_ENUM, "FeatureType", False),
            ("vocab_name", field.TYPE_STRING, "", False),
            ("vocab_size", field.TYPE_INT64, "", False),
            ("embedding_dim", field.TYPE_INT64, "", False),
            ("feature_length", field.TYPE_INT64, "", False),
        ],
    )
    message(
        "FeatureGroup",
        [
            ("features", field.TYPE_MESSAGE, "Feature", True),
            ("encoder_type", field.TYPE_ENUM, "EncoderType", False),
        ],
    )
    message(
        "InputConfig",
        [
            ("global_feature_groups", field.TYPE_MESSAGE, "FeatureGroup", True),
            ("activity_feature_groups", field.TYPE_MESSAGE, "FeatureGroup", True),
            ("label_feature", field.TYPE_MESSAGE, "Feature", False),
        ],
    )
    pool.Add(file)
    return factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.InputConfig"))
