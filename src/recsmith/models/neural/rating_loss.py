"""The loss of models that learn ratings: squared, or Huber's, by their settings."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from torch import Tensor

from recsmith.config import Config
from recsmith.nn import losses


class LearnsRatings(Config):
    """Settings that models of ratings share."""

    rating_loss: Literal["squared", "huber"] = "squared"
    """Huber's loss is squared up to `huber_delta` and linear beyond: outlying ratings pull less."""
    huber_delta: float = Field(1.0, gt=0)
    """In stars, or whatever the weight counts."""

    def loss_of(self, predicted_N: Tensor, rating_N: Tensor) -> Tensor:
        """Returns the mean loss; Huber's is doubled, so that small errors count the same in both."""
        if self.rating_loss == "huber":
            return 2 * losses.huber(predicted_N, rating_N, delta=self.huber_delta)
        return losses.squared(predicted_N, rating_N)
