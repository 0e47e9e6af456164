"""The base of every settings class: frozen, typed, and closed to unknown keys."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from recsmith.config.space import SearchSpace
from recsmith.errors import InvalidValue, Shown, nearest


class Config(BaseModel):
    """Is frozen, refuses unknown keys, and takes each field's description from its docstring."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False, strict=False
    )

    search_space: ClassVar[SearchSpace] = {}
    """What `recsmith tune` tries of a model's settings when a recipe does not say."""

    def usual(self, n_events: int) -> dict[str, Any]:
        """Returns what settings that were left out are for so many events, where they hang on that."""
        return {}

    @classmethod
    def of(cls, settings: dict[str, Any], *, within: str = "") -> Self:
        """Returns the validated settings; the first fault is raised as `InvalidValue`.

        `within` stands before the field's name in the message, as in `model.n_neighbours`.
        """
        try:
            return cls.model_validate(settings)
        except ValidationError as error:
            raise invalid_value(error, known=cls.model_fields, within=within) from None


def invalid_value(error: ValidationError, *, known: Any, within: str = "") -> InvalidValue:
    """Returns pydantic's first fault in recsmith's sentence shape."""
    fault = error.errors(include_url=False)[0]
    path = ".".join(str(part) for part in fault["loc"])
    name = f"{within}.{path}" if within and path else within or path or "settings"
    if fault["type"] == "extra_forbidden":
        cure = nearest(str(fault["loc"][-1]), known) or f"Known: {', '.join(known)}."
        return InvalidValue(name, "a known setting", Shown(str(fault["loc"][-1])), cure)
    message = fault["msg"]
    for start in ("Input should be ", "Value error, "):
        message = message.removeprefix(start)
    if fault["type"] == "missing":
        return InvalidValue(name, "given", Shown("nothing"))
    return InvalidValue(name, message, fault["input"])
