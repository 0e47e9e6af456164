"""The moving average of a network's weights (Polyak & Juditsky 1992), as a pair of hooks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from recsmith.errors import InvalidValue
from recsmith.training.hooks import Moment, Quiet, Stop

_QUICK = 9  # steps after which the average looks back as far as it has gone on


class WeightAverage(Quiet):
    """Keeps mean ← d · mean + (1 − d) · weights, d = min(decay, t / (t + 9)) after step t.

    At an epoch's end the hooks between this one and its `back` see the mean in the network; steps go on from
    the weights themselves. A training that was not cut short ends with the mean.
    """

    def __init__(self, decay: float) -> None:
        if not 0 < decay < 1:
            raise InvalidValue("decay", "between 0 and 1", decay)
        self._decay = decay
        self._mean: dict[str, Tensor] = {}
        self._own: dict[str, Tensor] = {}
        self.back = _Back(self)

    @torch.no_grad()
    def on_step(self, now: Moment) -> Stop | None:
        weights = dict(now.net.named_parameters())
        if not self._mean:
            self._mean = {name: weight.detach().clone() for name, weight in weights.items()}
        means = [self._mean[name] for name in weights]
        torch._foreach_lerp_(
            means, list(weights.values()), max(1 - self._decay, _QUICK / (now.step + _QUICK))
        )
        if now.ends_epoch:
            self._own = {name: weight.detach().clone() for name, weight in weights.items()}
            _put(self._mean, now.net)
        return None

    def on_end(self, now: Moment) -> None:
        if self._mean and not now.run.interrupted:
            _put(self._mean, now.net)

    def state(self) -> dict[str, Tensor]:
        return self._mean

    def restore(self, state: dict[str, Tensor]) -> None:
        self._mean = state

    def put_back(self, net: nn.Module) -> None:
        """Puts the weights themselves into the network again."""
        _put(self._own, net)
        self._own = {}


class _Back(Quiet):
    """Ends the part of the hooks that sees the mean."""

    def __init__(self, average: WeightAverage) -> None:
        self._average = average

    def on_step(self, now: Moment) -> Stop | None:
        self._average.put_back(now.net)
        return None


@torch.no_grad()
def _put(weights: dict[str, Tensor], net: nn.Module) -> None:
    parameters = dict(net.named_parameters())
    for name, weight in weights.items():
        parameters[name].copy_(weight)
