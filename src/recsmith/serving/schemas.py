"""The bodies of requests and answers, as the OpenAPI document shows them."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator

from recsmith.serving.records import Event, Item

Word = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""An id: 1 to 200 characters, none of them a control character."""

Title = Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=r"^[^\x00]+$")]

_DEPTH = 16  # of what a caller tells of an item or a person
_WHOLE = 2**63


def plain(data: dict[str, Any]) -> dict[str, Any]:
    """Returns the data; raises for what a database or JSON could not give back as it came."""
    _check(data, 0)
    return data


def _check(value: Any, depth: int) -> None:
    if depth > _DEPTH:
        raise ValueError(f"must be at most {_DEPTH} deep")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("must hold finite numbers")
    if isinstance(value, int) and not -_WHOLE <= value < _WHOLE:
        raise ValueError("must hold whole numbers of 64 bits")
    if isinstance(value, str) and ("\x00" in value or not _is_text(value)):
        raise ValueError("must hold text without NUL and halves of characters")
    if isinstance(value, dict):
        for name, part in value.items():
            _check(name, depth)
            _check(part, depth + 1)
    if isinstance(value, list):
        for part in value:
            _check(part, depth + 1)


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


Data = Annotated[dict[str, Any], AfterValidator(plain)]
"""Plain values: text, finite numbers, lists and objects, not too deep."""

LATEST = 253_402_300_799_000  # the year 9999, in milliseconds

TIME = (
    "When the request takes place, in milliseconds since 1970, for models that read it (`/v1/model`: "
    "`reads_time`); others refuse it. Else as the service's `request_time` says."
)


class Strict(BaseModel):
    """Refuses fields that it does not know."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)


class EventIn(Strict):
    """Is one thing that a person did."""

    user_id: Word
    item_id: Word
    weight: float = Field(1.0, ge=-1e9, le=1e9, description="A rating or a count.")
    time: int | None = Field(None, ge=1, le=LATEST, description="Milliseconds since 1970; now by default.")
    event_id: Word | None = Field(None, description="The same id twice is one event.")

    @field_validator("weight")
    @classmethod
    def _finite(cls, weight: float) -> float:
        if not math.isfinite(weight):
            raise ValueError("weight must be a finite number")
        return weight

    def event(self) -> Event:
        """Returns it as the store keeps it."""
        return Event(self.user_id, self.item_id, self.weight, self.time or 0, self.event_id or "")


class HistoryItem(Strict):
    """Is one item of a history that comes with the request."""

    item_id: Word
    weight: float | None = Field(None, ge=-1e9, le=1e9)
    time: int | None = Field(None, ge=1, le=LATEST)


class RecommendIn(Strict):
    """Asks for a list for a history, oldest first, or for features, instead of for a known person."""

    history: list[Word | HistoryItem] = Field(default_factory=list)
    features: Data = Field(
        default_factory=dict,
        description='What is known of the person, {"gender": "F", "age": 25}, by the names that `/v1/model` '
        "gives as `person_features`. A model that reads none refuses it.",
    )
    time: int | None = Field(None, ge=1, le=LATEST, description=TIME)
    k: int = Field(10, ge=1)
    exclude_seen: bool = True
    category: list[Word] = Field(default_factory=list, max_length=100)
    blocked: list[Word] = Field(default_factory=list, max_length=10_000)
    where: Data | None = Field(None, description='{"field": "year", "ge": 1990}, all, any, not.')
    diversity: float | None = Field(None, ge=0, le=1)
    method: Literal["none", "mmr", "dpp"] | None = None
    freshness: float | None = Field(None, ge=0, le=1)
    calibration: float | None = Field(None, ge=0, le=1)
    per_category: int | None = Field(None, ge=1)
    explain: bool = False
    trace: bool = False


class ItemIn(Strict):
    """Is a line of the catalogue."""

    title: Title
    data: Data = Field(default_factory=dict, description="category or genres, and whatever is known.")
    in_stock: bool = True

    def item(self, item_id: str) -> Item:
        """Returns it as the store keeps it."""
        return Item(item_id, self.title, self.data, self.in_stock)


class ItemChange(Strict):
    """Changes some fields of an item; `data` fields are added to those that are there."""

    title: Title | None = None
    data: Data | None = None
    in_stock: bool | None = None


class UserIn(Strict):
    """Is what is known of a person."""

    data: Data = Field(default_factory=dict)
    blocked: list[Word] = Field(default_factory=list, max_length=10_000)


class UserChange(Strict):
    """Changes some of what is known of a person."""

    data: Data | None = None
    blocked: list[Word] | None = Field(None, max_length=10_000)


class Reason(BaseModel):
    """Is an item of the history that led to a recommendation."""

    item_id: int | str
    title: str
    weight: float


class Line(BaseModel):
    """Is one line of a list."""

    item_id: int | str
    title: str
    score: float
    rank: int
    source: str = Field("model", description="What brought it: model, similar, new or popular.")
    because: list[Reason] = Field(default_factory=list)


class Step(BaseModel):
    """Is what one stage left."""

    stage: str
    candidates: int
    ms: float


class Answer(BaseModel):
    """Is a list, the version of the model that made it, and why it is not the model's own, if it is not."""

    user_id: str | None = None
    version: str
    variant: str | None = Field(None, description="The side of a running experiment.")
    fallback: str | None = None
    recommendations: list[Line]
    trace: list[Step] | None = None


class Similar(BaseModel):
    """Is an item and its neighbours."""

    item_id: int | str
    title: str
    similar: list[Line]


class Why(BaseModel):
    """Is an item's score for a person and what led to it; no score where the model has no evidence."""

    item_id: int | str
    title: str
    score: float | None
    because: list[Reason]


class Kept(BaseModel):
    """Says how many events were new; the others were there already."""

    accepted: int
    duplicates: int


class ItemOut(BaseModel):
    """Is an item of the catalogue."""

    item_id: int | str
    title: str
    data: dict[str, Any]
    in_stock: bool


class UserOut(BaseModel):
    """Is what the store knows of a person."""

    user_id: str
    data: dict[str, Any]
    blocked: list[str]
    n_events: int


class Erased(BaseModel):
    """Proves that a person is gone: rows deleted, models rewritten, rows left."""

    user_id: str
    rows: dict[str, int]
    models: int
    rows_left: int


class Problem(BaseModel):
    """Says what was wrong."""

    error: str
    request_id: str | None = None
