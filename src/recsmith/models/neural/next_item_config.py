"""Settings of NextItem: feature groups, their encoders, the label, the loss."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from recsmith.config import Config
from recsmith.models.neural.base import NeuralConfig

EncoderName = Literal["bow", "cnn", "lstm", "gru", "caser", "transformer"]
LossName = Literal["softmax", "sampled_softmax", "in_batch", "bce", "gbce", "bpr"]
ITEM_ID, USER_ID = "item_id", "user_id"


class FeatureSettings(Config):
    """One feature: a column of the log, of the item table or of the user table, by its name.

    Of an event: `item_id`, `rating` (the event's weight), `instant`, `hour_of_day`, `day_of_week`, `gap` (the
    time since the event before), or a column of the item table, which the event's item is looked up in. Of a
    person: `user_id` or a column of the user table.
    """

    name: str
    type: Literal["int", "string", "float"] = "string"
    """int and string are embedded; float enters as one number, scaled to mean 0 and deviation 1."""
    embedding_dim: int | None = Field(None, ge=1)
    """Length of the vectors; that of the label when not given."""
    vocabulary_size: int | None = Field(None, ge=1)
    """The most values that are told apart, by frequency; the rest is unknown. 10 000 when not given."""
    length: int | None = Field(None, ge=1)
    """The most values of a list (genres) that are read; 16 when not given."""
    shared: bool | None = None
    """Whether item ids use the label's table; when not given, they do if both vectors are equally long."""


class GroupSettings(Config):
    """A group of features and the encoder that reads them."""

    features: tuple[FeatureSettings, ...] = Field(min_length=1)
    """Side by side in one vector for each event."""
    encoder: EncoderName = "bow"
    """What makes one vector of the events so far; of no matter in a group about the person."""
    width: int | None = Field(None, ge=1)
    """Width of an event's vector before the encoder, by a linear map; that of the features if not given."""
    n_filters: tuple[int, ...] = ()
    """cnn: filters of each convolution; caser: of each height. One with the label's length when not given."""
    kernel_size: int = Field(3, ge=1)
    """cnn: events that a filter sees."""
    heights: tuple[int, ...] = (1, 2, 3, 4, 5)
    """caser: heights of the horizontal filters."""
    n_vertical: int = Field(4, ge=0)
    """caser: vertical filters."""
    n_units: int | None = Field(None, ge=1)
    """lstm, gru: units; the label's length when not given."""
    n_layers: int = Field(1, ge=1)
    """lstm, gru: layers."""
    n_blocks: int = Field(2, ge=1)
    """transformer: blocks."""
    n_heads: int = Field(1, ge=1)
    """transformer: heads; they divide the width."""
    feedforward: int = Field(1, ge=1)
    """transformer: width of the inner layer, in widths of the outer."""
    block: Literal["pre", "post", "gated"] = "pre"
    """transformer: where the norm is; gated is LiGR's block."""


class LabelSettings(Config):
    """What is predicted: the next item's id."""

    embedding_dim: int = Field(64, ge=1)
    """Length of the item vectors and of the context vector that they are multiplied with."""
    vocabulary_size: int | None = Field(None, ge=1)
    """An upper bound on the catalogue: more items than this are an error."""
    features: tuple[FeatureSettings, ...] = ()
    """Columns of the item table that join the item vectors, so that items nobody has taken are reachable."""
    bias: bool = False
    """Whether each item has a score of its own."""


class SequenceConfig(NeuralConfig):
    """Settings of everything that learns timelines: how they are cut, and what is small when it fits."""

    context_length: int = Field(50, ge=1)
    """The newest events that a prediction sees."""
    stride: int | None = Field(None, ge=1)
    """New events in each window of a long timeline when learning; context_length when not given."""
    min_timeline_length: int = Field(2, ge=2)
    """Shorter timelines teach nothing; they are still served."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """On the events' vectors, in transformers, and on hidden layers."""
    init_scale: float = Field(1.0, gt=0)
    """Item vectors start from N(0, init_scale² / D)."""
    loss: LossName = "softmax"
    n_negatives: int = Field(256, ge=1)
    """sampled_softmax, bce, gbce, bpr: items drawn; above 16 one draw serves a whole batch."""
    negative_sampling: Literal["uniform", "popularity"] = "uniform"
    """How they are drawn; sampled_softmax corrects for it."""
    calibration: float = Field(0.75, ge=0, le=1)
    """gbce: t."""
    batch_size: int = Field(64, ge=1)
    """Windows of timelines in a step, on average; every event of a window is learnt."""

    @model_validator(mode="after")
    def _stride_fits(self) -> Self:
        if self.stride is not None and self.stride > self.context_length:
            raise ValueError(f"such that stride is at most context_length, {self.context_length}")
        return self


class ShortLogConfig(SequenceConfig):
    """Learning as logs of some hundred thousand events need it; a larger one wants a larger batch."""

    n_epochs: int = Field(20, ge=1)
    """Passes over the data."""
    batch_size: int = Field(8, ge=1)
    """Windows of timelines in a step, on average; every event of a window is learnt."""
    learning_rate: float = Field(5e-3, gt=0)
    """Of the optimiser, before the schedule."""
    schedule: Literal["constant", "linear", "cosine"] = "linear"
    """How the learning rate falls over the training."""
    dropout: float = Field(0.2, ge=0, lt=1)
    """On the events' vectors, in transformers, and on hidden layers."""


class NextItemConfig(ShortLogConfig):
    """Says how a history becomes a vector and what that vector learns to predict."""

    global_groups: tuple[GroupSettings, ...] = ()
    """About the person."""
    activity_groups: tuple[GroupSettings, ...] = (
        GroupSettings(features=(FeatureSettings(name=ITEM_ID, type="int"),)),
    )
    """About each past event."""
    label: LabelSettings = LabelSettings()
    hidden_layers: tuple[int, ...] = ()
    """Widths of the layers with a ReLU between the encoders and the last, linear one."""
    projection: bool = True
    """Whether there is a last linear map to the label's length even where the width fits without one."""

    @model_validator(mode="after")
    def _has_activity(self) -> Self:
        if not self.activity_groups:
            raise ValueError("given at least one of activity_groups")
        return self


def plan_of(
    preset: SequenceConfig, group: GroupSettings, *, embedding_dim: int, projection: bool
) -> NextItemConfig:
    """Returns NextItem's settings for one group of events that are item ids: what the named models are."""
    shared = {name: getattr(preset, name) for name in SequenceConfig.model_fields}
    return NextItemConfig(
        **shared,
        activity_groups=(group,),
        label=LabelSettings(embedding_dim=embedding_dim),
        projection=projection,
    )


IDS = (FeatureSettings(name=ITEM_ID, type="int"),)
"""The one feature of models that see ids alone."""
