"""What a search may try of a setting: a range, or some choices; written in a recipe or kept with a config."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from recsmith.errors import InvalidValue, Shown, nearest

_KEYS = ("low", "high", "log", "step")
_HOW = "Write { low = 10, high = 500, log = true }, or a list of choices."


@dataclass(frozen=True)
class Range:
    """Is every number from `low` to `high`, whole ones when both are; `log` spreads trials by ratio."""

    low: float
    high: float
    log: bool = False
    step: float | None = None

    @property
    def is_whole(self) -> bool:
        """Says whether only whole numbers are tried."""
        return all(isinstance(end, int) for end in (self.low, self.high, self.step or 1))

    @property
    def ends(self) -> tuple[Any, ...]:
        """The values that a check tries."""
        return (self.low, self.high)

    def __contains__(self, value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        if self.is_whole and value != int(value):
            return False
        return self.low <= value <= self.high

    def plain(self) -> dict[str, Any]:
        """Returns the range as a recipe writes it."""
        told: dict[str, Any] = {"low": self.low, "high": self.high}
        return told | ({"log": True} if self.log else {}) | ({"step": self.step} if self.step else {})


@dataclass(frozen=True)
class Choices:
    """Is one of some values; None leaves the setting out, so that its default holds."""

    values: tuple[Any, ...]

    @property
    def ends(self) -> tuple[Any, ...]:
        """The values that a check tries: all."""
        return self.values

    def __contains__(self, value: Any) -> bool:
        return any(value == one and type(value) is type(one) for one in self.values)

    def plain(self) -> list[Any]:
        """Returns the choices as a recipe writes them."""
        return [{} if value is None else value for value in self.values]


Dimension: TypeAlias = Range | Choices
SearchSpace: TypeAlias = Mapping[str, Dimension]


def parse_space(raw: Mapping[str, Any], *, within: str) -> dict[str, Dimension]:
    """Reads `name = { low, high, log, step }` or `name = [choices]`; tables may nest as dotted keys do.

    Raises `InvalidValue` for bounds the wrong way round and for what is neither.
    """
    found: dict[str, Dimension] = {}
    for name, value in raw.items():
        where = f"{within}.{name}"
        if isinstance(value, list | tuple):
            found[name] = _choices(value, where)
        elif not isinstance(value, Mapping):
            raise InvalidValue(where, "a range or a list of choices", value, _HOW)
        elif {"low", "high"} & set(value):
            found[name] = _range(value, where)
        elif value:
            inner = parse_space(value, within=where)
            found |= {f"{name}.{rest}": dimension for rest, dimension in inner.items()}
        else:
            raise InvalidValue(where, "a range or a list of choices", Shown("{}"), _HOW)
    return found


def around_defaults(defaults: Mapping[str, Any]) -> dict[str, Dimension]:
    """Returns ranges around the defaults of the settings that are spelt alike in every model."""
    found: dict[str, Dimension] = {}
    for name, factor in (("embedding_dim", 4), ("n_neighbours", 8)):
        value = defaults.get(name)
        if isinstance(value, int) and value > 1:
            found[name] = Range(max(1, value // factor), value * factor, log=True)
    for name, ratio in (("learning_rate", 8.0), ("regularization", 30.0)):
        value = defaults.get(name)
        if isinstance(value, int | float) and value > 0:
            found[name] = Range(value / ratio, float(value) * ratio, log=True)
    if isinstance(defaults.get("dropout"), float):
        found["dropout"] = Range(0.0, 0.5)
    return found


def _choices(values: list[Any] | tuple[Any, ...], where: str) -> Choices:
    found = Choices(tuple(None if value == {} else value for value in values))
    if not found.values:
        raise InvalidValue(where, "one choice or more", Shown("[]"), _HOW)
    return found


def _range(raw: Mapping[str, Any], where: str) -> Range:
    for key in raw:
        if key not in _KEYS:
            raise InvalidValue(f"{where}.{key}", f"one of {', '.join(_KEYS)}", raw[key], nearest(key, _KEYS))
    for key in ("low", "high", *(["step"] if "step" in raw else [])):
        value = raw.get(key, Shown("nothing"))
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidValue(f"{where}.{key}", "a number", value, _HOW)
    found = Range(raw["low"], raw["high"], log=bool(raw.get("log", False)), step=raw.get("step"))
    shown = Shown(f"low = {found.low}, high = {found.high}")
    if found.low >= found.high:
        turned = "Turn them round." if found.low > found.high else "Give a list for a single value."
        raise InvalidValue(where, "a range whose low is below its high", shown, turned)
    if found.log and found.low <= 0:
        raise InvalidValue(where, "above 0 where log = true", shown)
    if found.step is not None and (found.log or found.step <= 0):
        raise InvalidValue(f"{where}.step", "above 0, and left out where log = true", found.step)
    return found
