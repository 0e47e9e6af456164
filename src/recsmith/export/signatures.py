"""The signatures of model files, as the manifest names them: one place for all converters."""

from __future__ import annotations

from collections.abc import Sequence

from recsmith.export.graphs.base import DeviceParts, Input, RankGraph
from recsmith.export.manifest import SignatureSpec, TensorSpec

BATCH = 16
"""People in a call of LiteRT's recommend_batch."""


def recommend_spec(parts: DeviceParts, *, name: str, batch: int | None) -> SignatureSpec:
    """Returns the entry of recommend, recommend_batch."""
    k, of_score = parts.recommend.k, parts.recommend.graph.score_meaning
    return SignatureSpec(
        name=name,
        batch=batch,
        inputs=_inputs(parts.recommend.graph.inputs, batch),
        outputs=(
            _output("item", "int32", (batch, k), "catalogue rows, best first, -1 behind the last"),
            _output("score", "float32", (batch, k), f"{of_score}; 0 behind the last"),
        ),
    )


def scores_spec(parts: DeviceParts, *, batch: int | None) -> SignatureSpec:
    """Returns the entry of scores."""
    graph = parts.recommend.graph
    meaning = f"{graph.score_meaning} of every item, seen ones too; -inf for what is never recommended"
    return SignatureSpec(
        name="scores",
        batch=batch,
        inputs=_inputs(graph.inputs, batch),
        outputs=(_output("scores", "float32", (batch, graph.n_items), meaning),),
    )


def rank_spec(graph: RankGraph, *, batch: int | None) -> SignatureSpec:
    """Returns the entry of rank."""
    meaning = f"{graph.score_meaning} of each candidate; 0 for a candidate -1"
    return SignatureSpec(
        name="rank",
        batch=batch,
        inputs=_inputs(graph.inputs, batch),
        outputs=(_output("score", "float32", (batch, graph.n_candidates), meaning),),
    )


def _inputs(inputs: Sequence[Input], batch: int | None) -> tuple[TensorSpec, ...]:
    return tuple(
        TensorSpec(
            name=i.name,
            dtype=i.dtype,
            shape=(batch, *i.shape),
            meaning=i.meaning,
            source=i.source,
            feature=i.feature,
            part=i.part,
            default=i.default,
        )
        for i in inputs
    )


def _output(name: str, dtype: str, shape: tuple[int | None, ...], meaning: str) -> TensorSpec:
    return TensorSpec.model_validate({"name": name, "dtype": dtype, "shape": shape, "meaning": meaning})
