"""Manifest: what a bundle says of itself, for readers in any language.

manifest.schema.json beside this file is its JSON Schema; a test keeps them equal.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recsmith.errors import ModelFileError

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"
SCHEMA = Path(__file__).with_name("manifest.schema.json")

Format = Literal["litert", "onnx", "executorch"]
Quantize = Literal["fp16", "int8"]
Role = Literal["recommend", "rank", "catalogue", "parity", "card"]


class Part(BaseModel):
    """Is any part of the manifest: unchangeable, no unknown keys."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, protected_namespaces=()
    )


class TensorSpec(Part):
    """Is one named input or output of a signature."""

    name: str
    dtype: Literal["int32", "float32"]
    shape: tuple[int | None, ...]
    """Batch first; null is any size."""
    meaning: str
    source: Literal["history", "weight", "event", "person", "context", "candidate"] | None = None
    """Inputs: where the values come from; `person` is who asks, `context` is of the request."""
    feature: str | None = None
    """Inputs event_…, person_…, context_…: the column in `features[source]` that says how to code it."""
    part: Literal["codes", "value"] | None = None
    """Whether the column's codes or its scaled number go in."""
    default: float = 0
    """Inputs: what stands where there is nothing, as behind the last event."""


class SignatureSpec(Part):
    """Is one way to call a model file."""

    name: str
    """recommend, recommend_batch, scores, rank, …"""
    batch: int | None
    """People in a call; null is any number."""
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


class ParityFigures(Part):
    """Is how a model file's answers compare with those of the model it was made from."""

    n_histories: int
    k: int
    order_equal: int
    """Histories whose list has the same ids in the same order, ties within 1e-5 aside."""
    near_ties: int
    """Of these, lists where two neighbours whose scores differ by less than 1e-5 changed places."""
    max_score_difference: float | None
    """Over the ids that both lists have."""
    overlap: float
    """The share of the source's ids that the file's lists have."""
    passed: bool


class FileSpec(Part):
    """Is one file of the bundle."""

    path: str
    role: Role
    format: Format | None = None
    """Model files: which runtime reads it."""
    quantize: Quantize | None = None
    """Model files: how weights are stored; null is float32."""
    bytes: int
    sha256: str
    signatures: tuple[SignatureSpec, ...] = ()
    parity: ParityFigures | None = None


class ScoreSpec(Part):
    """Is what a score says."""

    meaning: str
    calibrated: bool
    """Whether it is a probability that can be taken at its word."""


class ColumnSpec(Part):
    """Is how a feature's value becomes codes (0 is unknown) or a scaled number.

    categorical, multi, text: the place in `tokens`, counted from 1. number, time: the number of `cuts` that
    are not above the value, plus 1; or (value − mean) / deviation within ±10, and 0 for an unknown one.
    """

    name: str
    kind: Literal["categorical", "multi", "text", "number", "time"]
    tokens: tuple[str, ...] = ()
    cuts: tuple[float, ...] = ()
    mean: float = 0.0
    deviation: float = 1.0
    length: int = 1


class WeightSpec(Part):
    """Is the scale of the weights (ratings) that the model learnt from."""

    feedback: Literal["ratings", "implicit"]
    smallest: float
    largest: float
    mean: float


class Manifest(Part):
    """Is the whole of manifest.json."""

    schema_version: int = SCHEMA_VERSION
    """Readers refuse a larger one. Within a version there are only additions that may be ignored."""
    name: str
    model_class: str
    created: str
    """UTC, ISO 8601."""
    created_by: dict[str, str]
    """Package → version."""
    n_items: int
    history_length: int
    """H: events that an input holds; of a longer history the newest are given."""
    context_length: int
    """Of these, the newest that the scores depend on."""
    keeps: Literal["newest"] = "newest"
    padding: int = -1
    """Stands behind the last event and behind the last item of a short list."""
    top_k: int
    """K: the longest list that `recommend` gives."""
    score: ScoreSpec
    excludes_seen: bool = True
    empty_history: Literal["popular", "scores"]
    """What somebody without a known item gets: the popular items, or what the model says of anybody."""
    liked_weight: float
    """Weight of an item that was named without one."""
    weights: WeightSpec
    features: dict[Literal["event", "person", "context"], tuple[ColumnSpec, ...]] = Field(
        default_factory=dict
    )
    """How event_…, person_… and context_… inputs are coded."""
    request_time: int | None = None
    """Milliseconds since 1970: the time of a request of which none is known; null if of no matter."""
    mismatch_allowed: bool = False
    """True when a file failed its parity and the bundle was written all the same."""
    files: tuple[FileSpec, ...]

    def to_json(self) -> str:
        """Returns the text of manifest.json."""
        return json.dumps(self.model_dump(mode="json"), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def read_manifest(file: Path) -> Manifest:
    """Reads a manifest; raises `ModelFileError` for one that is absent, cut short, too new or wrong."""
    try:
        described = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelFileError(f"{file.parent} must be a bundle. Got no {file.name} there.") from None
    except (OSError, ValueError) as error:
        raise ModelFileError(
            f"{file} must be JSON. Got: {error}. The file is cut short or altered."
        ) from error
    version = described.get("schema_version") if isinstance(described, dict) else None
    if not isinstance(version, int):
        raise ModelFileError(f"{file} must describe a recsmith bundle. Got no schema_version.")
    if version > SCHEMA_VERSION:
        raise ModelFileError(
            f"{file} must have schema_version {SCHEMA_VERSION} or lower. Got {version}. "
            "Upgrade: pip install -U recsmith"
        )
    try:
        return Manifest.model_validate(described)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        raise ModelFileError(f"{file} must follow its schema. Got at {where}: {first['msg']}.") from error


def json_schema() -> dict[str, Any]:
    """Returns the JSON Schema (2020-12) of the manifest."""
    schema = Manifest.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
