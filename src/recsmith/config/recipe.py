"""The recipe: one TOML file that says what data, which split, which model, how to run, how to judge."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import tomli_w
from pydantic import Field, ValidationError, field_validator, model_validator

from recsmith.config.base import Config
from recsmith.config.data_recipe import (
    SOURCES,
    DataRecipe,
    FilterRecipe,
    MovieLensSource,
    SideTable,
)
from recsmith.errors import InvalidValue, RecsmithError, Shown, nearest

DEFAULT_METRICS = ("NDCG@10", "HitRate@10", "Recall@20", "MRR@10", "Coverage@10", "Novelty@10")


class SplitRecipe(Config):
    """`[split]`: the rule that says what is hidden from the model."""

    rule: Literal[
        "leave_last_out", "by_time", "random_holdout", "hold_out_users", "k_fold", "given", "none"
    ] = "leave_last_out"
    settings: dict[str, Any] = Field(default_factory=dict)
    """The rule's own parameters, written beside `rule`; checked by the rule."""

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, raw: Any) -> Any:
        return _gather_settings(raw, known="rule")


class ModelRecipe(Config):
    """`[model]`: the class and, beside it, its settings."""

    name: str = Field(alias="class")
    """A model of the house (`ItemKNN`) or the dotted path of one outside it (`shop.models.Mine`)."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Checked by the model's own config."""

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, raw: Any) -> Any:
        return _gather_settings(raw, known="class")


class RunRecipe(Config):
    """`[run]`: how it is run this time; changes no model's meaning."""

    seed: int = Field(default=0, ge=0)
    n_threads: int = Field(default=0, ge=0)
    """0 takes every core."""
    progress: bool = True
    device: str = "auto"
    """Where networks are trained: cpu, cuda, cuda:1, or auto for a GPU where there is one."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of a network's products on a GPU."""
    checkpoint_every: int = Field(default=1000, ge=1)
    """Steps between two checkpoints of a network."""
    stop_at_step: int | None = Field(default=None, ge=1)
    """Steps after which the training of a network ends: to see that everything works."""
    tensorboard: bool = False
    """Whether a network's figures go to the run folder's log for TensorBoard, too."""


class CandidatesRecipe(Config):
    """`[evaluate.candidates]`: rank against a sample instead of the whole catalogue (replication only)."""

    n_negatives: int = Field(default=99, ge=1)
    """Items drawn for each user beside the relevant ones."""
    seed: int = Field(default=0, ge=0)


class EvaluateRecipe(Config):
    """`[evaluate]`: what is measured."""

    metrics: tuple[str, ...] = DEFAULT_METRICS
    candidates: CandidatesRecipe | None = None
    """Every item of the catalogue that the person has not seen, unless a sample is asked for."""
    relevant_from: float | None = None
    """The weight from which a test event counts as relevant; above 0 when not given."""
    n_bootstrap: int = Field(default=1000, ge=0)
    """Resamples of the users behind the 95 % intervals; 0 leaves the intervals out."""

    @field_validator("metrics", mode="before")
    @classmethod
    def _one_or_more(cls, raw: Any) -> Any:
        return (raw,) if isinstance(raw, str) else raw


class TuneRecipe(Config):
    """`[tune]`: how `recsmith tune` looks for better settings; nothing else reads it."""

    metric: str | None = None
    """What decides; the first of `[evaluate] metrics` when not given."""
    trials: int = Field(default=40, ge=1)
    """Trials in all, those of an earlier call included."""
    timeout: float | None = Field(default=None, gt=0)
    """Seconds after which no new trial starts; none when not given."""
    sampler: Literal["auto", "tpe", "random", "grid"] = "auto"
    """How settings are chosen: `tpe` learns from the trials there are, `grid` tries every combination; auto
    takes the grid where it is no larger than `trials`, else tpe."""
    seed: int = Field(default=0, ge=0)
    """Of the sampler."""
    pruning: bool = True
    """Whether a trial ends early when it is behind most others at the same point."""
    max_users: int = Field(default=5000, ge=1)
    """Judges at most so many users of the validation part, drawn by the run's seed."""
    validation: SplitRecipe | None = None
    """How the validation part is cut from train; by the rule of `[split]` when not given."""
    space: dict[str, Any] = Field(default_factory=dict)
    """`model.n_neighbours = { low = 10, high = 500, log = true }`, or a list of choices; the model's own when
    not given. Checked when it is searched."""


class Recipe(Config):
    """What data, which split, which model, how to run, how to judge."""

    data: DataRecipe = Field(default_factory=MovieLensSource)
    split: SplitRecipe = Field(default_factory=SplitRecipe)
    model: ModelRecipe
    run: RunRecipe = Field(default_factory=RunRecipe)
    evaluate: EvaluateRecipe = Field(default_factory=EvaluateRecipe)
    expect: dict[str, float] = Field(default_factory=dict)
    """Metric to the figure this recipe is known to reach; a record, not an instruction."""
    tune: TuneRecipe | None = None


def load_recipe(path: str | Path, *, overrides: Iterable[str] = ()) -> Recipe:
    """Reads a recipe, applies `a.b=value` overrides to it, and makes its paths absolute.

    Relative paths inside the recipe start at the recipe's folder; those in an override start at
    the working folder, where the person typed them. Raises `InvalidValue`, with the nearest known
    key, for what it doesn't know.
    """
    file = Path(path)
    if not file.is_file():
        raise InvalidValue("recipe", "a TOML file", str(path), "See recipes/ for examples.")
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidValue("recipe", "valid TOML", str(path), f"{error}.") from None
    anchored = _anchor_paths(raw, file.resolve().parent)
    edited = apply_overrides(anchored, overrides)
    return parse_recipe(_anchor_paths(edited, Path.cwd()))


def parse_recipe(raw: Mapping[str, Any]) -> Recipe:
    """Checks a recipe that is already a mapping, as `tomllib` gives it."""
    try:
        return Recipe.model_validate(dict(raw))
    except ValidationError as error:
        raise _first_problem(error, raw) from None


def dump_recipe(recipe: Recipe) -> str:
    """Writes the resolved recipe as TOML, every default spelt out, so that it repeats the run."""
    tree = recipe.model_dump(mode="json", by_alias=True)
    for section, key in (("split", "rule"), ("model", "class")):
        tree[section] = {key: tree[section][key], **tree[section]["settings"]}
    return tomli_w.dumps(_without_none(tree))


def with_absolute_paths(recipe: Recipe) -> Recipe:
    """Returns the recipe with its relative paths, which start at the working folder, made absolute."""
    return parse_recipe(_anchor_paths(tomllib.loads(dump_recipe(recipe)), Path.cwd()))


def apply_overrides(raw: Mapping[str, Any], overrides: Iterable[str]) -> dict[str, Any]:
    """Returns the tree with each `a.b=value` set; a value is TOML, or else a bare string."""
    tree = _copy(raw)
    for override in overrides:
        key, equals, text = override.partition("=")
        parts = [part.strip() for part in key.split(".")]
        if not equals or not all(parts):
            raise InvalidValue("--set", "KEY.SUBKEY=VALUE", override, "Example: --set model.n_neighbours=50")
        branch = tree
        for part in parts[:-1]:
            child = branch.setdefault(part, {})
            if not isinstance(child, dict):
                raise InvalidValue("--set", f"a key of a table ({part} is not one)", override)
            branch = child
        branch[parts[-1]] = _value(text.strip())
    return tree


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _copy(tree: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _copy(value) if isinstance(value, Mapping) else value for key, value in tree.items()}


def _gather_settings(raw: Any, *, known: str) -> Any:
    """Moves every key but the known one under `settings`, where the layer above checks them."""
    if not isinstance(raw, Mapping) or "settings" in raw:
        return raw
    settings = {key: value for key, value in raw.items() if key != known}
    return {key: value for key, value in raw.items() if key == known} | {"settings": settings}


def _anchor_paths(raw: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Makes the `path`s of `[data]`, its side tables and `[split]` absolute, and SQLite's files too."""
    tree = _copy(raw)
    data = tree.get("data")
    split = tree.get("split")
    tables = [data, split]
    if isinstance(data, dict):
        tables += [data.get("items"), data.get("users")]
    for table in tables:
        if not isinstance(table, dict):
            continue
        for key in ("path", "quarantine", "test"):
            if key in table:
                table[key] = _anchor(table[key], folder)
        url = table.get("url")
        if isinstance(url, str) and url.startswith("sqlite:///") and url != "sqlite:///:memory:":
            table["url"] = "sqlite:///" + _anchor(url.removeprefix("sqlite:///"), folder)
    return tree


def _anchor(value: Any, folder: Path) -> Any:
    if isinstance(value, list):
        return [_anchor(one, folder) for one in value]
    if not isinstance(value, str) or not value or "://" in value:
        return value
    return str(folder / Path(value).expanduser())


def _without_none(tree: Any) -> Any:
    if isinstance(tree, dict):
        kept = {key: _without_none(value) for key, value in tree.items()}
        return {key: value for key, value in kept.items() if value is not None and value != {}}
    if isinstance(tree, list):
        return [_without_none(value) for value in tree if value is not None]
    return tree


def _first_problem(error: ValidationError, raw: Mapping[str, Any]) -> RecsmithError:
    """Turns pydantic's first complaint into ours, in the recipe's own words."""
    fault = error.errors(include_url=False)[0]
    # A union puts its tag or member into the location; the person never wrote it there.
    place = tuple(str(part) for part in fault["loc"] if part not in (*SOURCES, "str", "list[str]"))
    name = ".".join(place) or "recipe"
    if fault["type"] in ("union_tag_not_found", "union_tag_invalid"):
        got = raw["data"].get("source", Shown("nothing")) if isinstance(raw["data"], Mapping) else raw["data"]
        return InvalidValue("data.source", f"one of {', '.join(SOURCES)}", got, nearest(str(got), SOURCES))
    if fault["type"] in ("extra_forbidden", "missing"):
        known = _known_keys(place[:-1], raw)
        if fault["type"] == "missing":
            return InvalidValue(name, "given", Shown("nothing"), _missing_cure(place))
        cure = nearest(place[-1], known) or f"Known: {', '.join(known)}."
        return InvalidValue(name, "a known setting", Shown(place[-1]), cure)
    if fault["type"] in ("model_type", "dict_type", "model_attributes_type"):
        return InvalidValue(name, f"a table, written [{name}]", fault["input"])
    requirement = fault["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    return InvalidValue(name, requirement[:1].lower() + requirement[1:], fault["input"])


def _missing_cure(place: tuple[str, ...]) -> str:
    if place in (("model",), ("model", "class")):
        return 'Write [model] and, under it, class = "ItemKNN".'
    return ""


def _known_keys(place: tuple[str, ...], raw: Mapping[str, Any]) -> list[str]:
    data = raw.get("data")
    source = data.get("source", "") if isinstance(data, Mapping) else ""
    owners: dict[tuple[str, ...], type[Config]] = {
        (): Recipe,
        ("data",): SOURCES.get(source, MovieLensSource),
        ("data", "filter"): FilterRecipe,
        ("data", "items"): SideTable,
        ("data", "users"): SideTable,
        ("run",): RunRecipe,
        ("evaluate",): EvaluateRecipe,
        ("evaluate", "candidates"): CandidatesRecipe,
        ("tune",): TuneRecipe,
    }
    owner = owners.get(place)
    return [field.alias or name for name, field in owner.model_fields.items()] if owner else []
