"""Blend: several recommenders as one, by a weighted sum of scores made comparable; those that know an item
fill in for those that cannot. Burke, Hybrid recommender systems: survey and experiments, UMUAI 2002."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from recsmith.config import Config, Run
from recsmith.data import Dataset, Histories
from recsmith.models.base import Recommender
from recsmith.models.capabilities import Explains
from recsmith.models.pipeline.blend_weights import learned_weights
from recsmith.models.pipeline.comparable import Comparable, comparable
from recsmith.models.pipeline.composite import Composite, part_of
from recsmith.types import CodeArray, FloatArray

_NOT_IN_IT = ("Pipeline", "Blend")


class BlendConfig(Config):
    """Settings of `Blend`: each member is a table of a class and that class's settings."""

    members: tuple[Mapping[str, Any], ...] = Field(min_length=2)
    """`class`, and its settings, of each."""
    weights: tuple[float, ...] | Literal["learned"] = "learned"
    """What each member's scores count; learned on a part of the data that is kept back from a first fit."""
    scale: Literal["standard", "rank"] = "standard"
    """How a member's scores of a person are made comparable, over the unseen items that it knows: less their
    mean, over their standard deviation; or the share of them that an item is ranked above."""
    validation: Literal["last"] | float = 0.1
    """What is kept back to learn weights: each person's last event, or this share of all events."""

    @model_validator(mode="after")
    def _weights_fit(self) -> Self:
        if not isinstance(self.validation, str) and not 0 < self.validation < 1:
            raise ValueError("validation 'last' or above 0 and below 1")
        if self.weights == "learned":
            return self
        if len(self.weights) != len(self.members):
            raise ValueError(f"weights for {len(self.members)} members, one each")
        if min(self.weights) < 0 or sum(self.weights) == 0:
            raise ValueError("weights of 0 or more, one above 0")
        return self


class Blend(Composite, Explains):
    """Scores Σ_m w_m s_m, where s_m are member m's scores, comparable, and Σ w = 1.

    An item that somebody took and member m says nothing of (-inf) has m's lowest score. An item that nobody
    took (cold) is scored by the members that know it alone, as if they were all: content fills in. What no
    member knows is -inf. Weights are learned by maximising the likelihood of the events kept back under
    softmax(Σ w_m s_m), with w ≥ 0, unless equal weights or one member order them better; then all members are
    fitted again on everything. Costs its members' sum, twice when weights are learned; a user O(members·I),
    or O(members·I·log I) by rank.
    """

    Config = BlendConfig
    config: BlendConfig
    weight_M: np.ndarray

    @property
    def parts(self) -> Mapping[str, Recommender]:
        """The members, by their number."""
        return {str(place): member for place, member in enumerate(self.members)}

    def _make(self) -> None:
        self.members = [
            part_of(f"members[{place}]", described, but=_NOT_IN_IT)
            for place, described in enumerate(self.config.members)
        ]

    def _fit(self, data: Dataset, run: Run) -> None:
        self._make()
        if self.config.weights == "learned":
            self.weight_M = learned_weights(
                self.members, data, run, scale=self.config.scale, kept_back=self.config.validation
            )
            self._make()
        else:
            given_M = np.array(self.config.weights)
            self.weight_M = given_M / given_M.sum()
        self._fit_parts(data, run)

    def _learned(self) -> dict[str, Any]:
        return {**super()._learned(), "weights": self.weight_M.tolist()}

    def _restore(self, arrays: Mapping[str, np.ndarray], learned: Mapping[str, Any]) -> None:
        super()._restore(arrays, learned)
        self.weight_M = np.array(learned["weights"])

    def _score(self, histories: Histories) -> FloatArray:
        shape = (len(histories), len(self.memory.items))
        total_BI, known_BI = np.zeros(shape, np.float32), np.zeros(shape, bool)
        cold = np.flatnonzero(self.memory.popularity == 0)
        told_BC = np.zeros((len(histories), len(cold)), np.float32)
        for member, weight in zip(self.members, self.weight_M.astype(np.float32), strict=True):
            mine = self._comparable(member, histories)
            scaled_BI = mine.score_BI
            scaled_BI[:, cold] = np.where(mine.known_BI[:, cold], scaled_BI[:, cold], 0)
            total_BI += weight * scaled_BI
            told_BC += weight * mine.known_BI[:, cold]
            known_BI |= mine.known_BI
        total_BI[:, cold] /= np.where(told_BC > 0, told_BC, 1)
        return np.where(known_BI, total_BI, np.float32(-np.inf))

    def _comparable(self, member: Recommender, histories: Histories) -> Comparable:
        return comparable(np.asarray(member._score(histories)), histories, scale=self.config.scale)

    def _contributions(self, history: Histories, item_codes: CodeArray) -> tuple[FloatArray, FloatArray]:
        """Adds up the members' reasons in the blend's own units; the base is what they do not explain.

        Standard scores are the members' reasons over the standard deviation, exactly; a rank is divided among
        a member's reasons in proportion.
        """
        score_K = self._score(history)[0, item_codes].astype(np.float64)
        told_MK = np.zeros((len(self.members), len(item_codes)))
        part_MLK = np.zeros((len(self.members), len(history.item), len(item_codes)))
        for place, member in enumerate(self.members):
            mine = self._comparable(member, history)
            told_MK[place] = self.weight_M[place] * mine.known_BI[0, item_codes]
            if not isinstance(member, Explains):
                continue
            part_LK = np.asarray(member._contributions(history, item_codes)[1], np.float64)
            part_MLK[place] = part_LK * mine.per_unit(part_LK.sum(axis=0), item_codes)
        whole_K = np.where(self.memory.popularity[item_codes] > 0, 1.0, told_MK.sum(axis=0))
        weight_MK = told_MK / np.where(whole_K > 0, whole_K, 1)
        part_LK = (part_MLK * weight_MK[:, None, :]).sum(axis=0)
        return (score_K - part_LK.sum(axis=0)).astype(np.float32), part_LK.astype(np.float32)
