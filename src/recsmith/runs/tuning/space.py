"""From a recipe to what is searched: its own space or the model's, checked against the model's settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recsmith.config.recipe import ModelRecipe, Recipe, TuneRecipe
from recsmith.config.space import Dimension, SearchSpace, around_defaults, parse_space
from recsmith.errors import InvalidValue, Shown, nearest
from recsmith.runs.build import make_model, model_class

WITHIN = "tune.space"
_FIRST = "model"


def space_of(recipe: Recipe, asked: TuneRecipe) -> dict[str, Dimension]:
    """Returns what is tried, by names as `--set` takes them; the model takes every end of it.

    Without `[tune.space]` it is what the model's config offers, else ranges around the defaults of settings
    that are spelt alike everywhere. Settings that the recipe gives are searched too.
    """
    config = model_class(recipe.model.name).Config
    if asked.space:
        space = parse_space(asked.space, within=WITHIN)
    else:
        defaults = {name: field.default for name, field in config.model_fields.items()}
        offered = config.search_space or around_defaults(defaults)
        space = {f"{_FIRST}.{name}": dimension for name, dimension in offered.items()}
    if not space:
        cure = f"Write [{WITHIN}] and, under it, model.SETTING = {{ low = 1, high = 10 }}."
        raise InvalidValue(WITHIN, f"given for {recipe.model.name}", Shown("nothing"), cure)
    for name, dimension in space.items():
        _check(name, dimension, recipe.model, list(config.model_fields))
    return space


def with_values(model: ModelRecipe, values: Mapping[str, Any]) -> ModelRecipe:
    """Returns the model's part of a recipe with these values set; None leaves a setting out."""
    settings = _copy(model.settings)
    for name, value in values.items():
        *path, last = name.split(".")[1:]
        branch = settings
        for part in path:
            branch = branch.setdefault(part, {})
        branch.pop(last, None) if value is None else branch.update({last: value})
    return model.model_copy(update={"settings": settings})


def own_values(recipe: Recipe, space: SearchSpace, *, n_events: int) -> dict[str, Any] | None:
    """Returns the recipe's own values in the space, or None where one of them lies outside.

    `n_events` is the length of the log that is learnt from, on which some defaults hang.
    """
    config = make_model(recipe.model).config
    whole = {**config.model_dump(), **config.usual(n_events)}
    found: dict[str, Any] = {}
    for name, dimension in space.items():
        value: Any = whole
        for part in name.split(".")[1:]:
            value = value.get(part) if isinstance(value, Mapping) else None
        inside = next((one for one in (value, _as_whole(value)) if one in dimension), _OUTSIDE)
        if inside is _OUTSIDE:
            return None
        found[name] = inside
    return found


def plain(space: SearchSpace) -> dict[str, Any]:
    """Returns a space as a recipe writes it."""
    return {name: dimension.plain() for name, dimension in space.items()}


_OUTSIDE = object()


def _as_whole(value: Any) -> Any:
    """Turns 2.0 into 2, and a tuple into the list that TOML gives."""
    if isinstance(value, tuple):
        return list(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _check(name: str, dimension: Dimension, model: ModelRecipe, known: list[str]) -> None:
    first, *path = name.split(".")
    where = f"{WITHIN}.{name}"
    if first != _FIRST or not path or path == ["class"]:
        cure = (
            nearest(name, [f"{_FIRST}.{one}" for one in known]) or "Names are those of --set: model.SETTING."
        )
        raise InvalidValue(where, "a setting of the model (all else stays as it is)", Shown(name), cure)
    if path[0] not in known:
        cure = nearest(path[0], known) or f"Known: {', '.join(known)}."
        raise InvalidValue(where, f"a setting of {model.name}", Shown(path[0]), cure)
    for value in dimension.ends:
        try:
            make_model(with_values(model, {name: value}))
        except InvalidValue as error:
            raise InvalidValue(where, "values that the model takes", value, f"{error}") from error


def _copy(tree: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _copy(value) if isinstance(value, Mapping) else value for key, value in tree.items()}
