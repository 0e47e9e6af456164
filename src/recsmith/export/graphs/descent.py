"""Graphs of fast.ai's embedding models: the descent that finds a stranger's vector, unrolled step by step."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from recsmith.export.graphs import graph_of
from recsmith.export.graphs.base import DeviceGraph
from recsmith.models.neural.embedding_dot import EmbeddingDot, EmbeddingDotBias
from recsmith.models.neural.embedding_model import EmbeddingModel
from recsmith.models.neural.embedding_net import EmbeddingNet, NetPairs

HISTORY = 200
"""H of the embedding models: each step of the descent reads every event."""
_RATE, _BETA_1, _BETA_2, _EPS = 0.1, 0.9, 0.999, 1e-8  # of Adam, as the model's own fold-in has them


class DescentGraph(DeviceGraph):
    """Finds the person's vector by Adam from the mean person on, with the gradient written out."""

    score_meaning = "rating"
    reads_weight = True
    low, span = 0.0, 0.0
    """What a sigmoid holds ratings within; a span of 0 stands for none."""
    mean_P: Tensor
    item_IQ: Tensor

    def __init__(self, model: EmbeddingModel) -> None:
        super().__init__()
        self.n_items, self.history_length = len(model.memory.items), HISTORY
        self.n_steps, self.decay = model.config.fold_in_steps, model.config.fold_in_decay
        self.register_buffer("mean_P", model.net.users.weight[0].detach().cpu().clone())
        self.register_buffer("item_IQ", model.net.items.weight[1:].detach().cpu().clone())

    @abstractmethod
    def outputs(self, user_BP: Tensor, item_BNQ: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Returns what is rated by, before the sigmoid, [B, N], and what `back` needs of the way there."""

    @abstractmethod
    def back(self, item_BNQ: Tensor, kept: list[Tensor], pull_BN: Tensor) -> Tensor:
        """Returns Σ_n pull · ∂output / ∂u, [B, P]."""

    def scores(self, history_BH: Tensor, inputs: Mapping[str, Tensor]) -> Tensor:
        """Returns the ratings of all items."""
        there_BH = (history_BH >= 0).to(torch.float32)
        item_BHQ = functional.embedding(history_BH.clamp(min=0), self.item_IQ)
        n_B1 = there_BH.sum(1, keepdim=True)
        user_BP = self.mean_P.unsqueeze(0).expand(history_BH.shape[0], -1)
        first_BP, second_BP = torch.zeros_like(user_BP), torch.zeros_like(user_BP)
        for step in range(1, self.n_steps + 1):
            out_BH, kept = self.outputs(user_BP, item_BHQ)
            pull_BH = 2 * (self._rating(out_BH) - inputs["weight"]) * there_BH
            if self.span:
                share_BH = out_BH.sigmoid()
                pull_BH = pull_BH * (self.span * share_BH * (1 - share_BH))
            gradient_BP = self.back(item_BHQ, kept, pull_BH)
            gradient_BP = gradient_BP + (2 * self.decay) * n_B1 * (user_BP - self.mean_P)
            first_BP = _BETA_1 * first_BP + (1 - _BETA_1) * gradient_BP
            second_BP = _BETA_2 * second_BP + (1 - _BETA_2) * (gradient_BP * gradient_BP)
            # √v + ε in parts of ε, since ONNX's optimizer takes + 1e-8 for + 0
            root_BP = second_BP.sqrt() * ((1 - _BETA_2**step) ** -0.5 / _EPS) + 1
            user_BP = user_BP - (_RATE / (1 - _BETA_1**step) / _EPS) * first_BP / root_BP
        every_BIQ = self.item_IQ.unsqueeze(0).expand(history_BH.shape[0], -1, -1)
        return self._rating(self.outputs(user_BP, every_BIQ)[0])

    def _rating(self, out_BN: Tensor) -> Tensor:
        return self.low + self.span * out_BN.sigmoid() if self.span else out_BN


class DotGraph(DescentGraph):
    """Rates by μ + u·v."""

    def __init__(self, model: EmbeddingDot) -> None:
        super().__init__(model)
        self.mean = float(model.net.get_buffer("mean"))

    def outputs(self, user_BP: Tensor, item_BNQ: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Returns μ + u·v."""
        return self.mean + (item_BNQ @ user_BP.unsqueeze(2)).squeeze(2), []

    def back(self, item_BNQ: Tensor, kept: list[Tensor], pull_BN: Tensor) -> Tensor:
        """Returns Σ pull · v."""
        return (pull_BN.unsqueeze(1) @ item_BNQ).squeeze(1)


class DotBiasGraph(DescentGraph):
    """Rates by low + span · σ(u·v + b_u + b_v); the last coordinates are the biases."""

    def __init__(self, model: EmbeddingDotBias) -> None:
        super().__init__(model)
        self.low, self.span = (float(model.net.get_buffer(name)) for name in ("low", "span"))

    def outputs(self, user_BP: Tensor, item_BNQ: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Returns u·v + b_u + b_v."""
        product_BN = (item_BNQ[:, :, :-1] @ user_BP[:, :-1].unsqueeze(2)).squeeze(2)
        return product_BN + user_BP[:, -1:] + item_BNQ[:, :, -1], []

    def back(self, item_BNQ: Tensor, kept: list[Tensor], pull_BN: Tensor) -> Tensor:
        """Returns Σ pull · v, and Σ pull for the bias."""
        of_vector_BD = (pull_BN.unsqueeze(1) @ item_BNQ[:, :, :-1]).squeeze(1)
        return torch.cat([of_vector_BD, pull_BN.sum(1, keepdim=True)], 1)


class NetGraph(DescentGraph):
    """Rates by dense layers on [u, v]; the first layer's part of each item is a table."""

    def __init__(self, model: EmbeddingNet) -> None:
        super().__init__(model)
        self.low, self.span = (float(model.net.get_buffer(name)) for name in ("low", "span"))
        assert isinstance(model.net, NetPairs)
        linear = [layer for layer in model.net.layers if isinstance(layer, nn.Linear)]
        self.n_layers = len(linear)
        for place, layer in enumerate(linear):
            self.register_buffer(f"weight{place}", layer.weight.detach().cpu().clone())
            self.register_buffer(f"bias{place}", layer.bias.detach().cpu().clone())
        n_user = self.mean_P.shape[0]
        first_HW = self.get_buffer("weight0")
        self.register_buffer("weight0", first_HW[:, :n_user].contiguous())
        self.item_IQ = self.item_IQ @ first_HW[:, n_user:].T + self.get_buffer("bias0")

    def outputs(self, user_BP: Tensor, item_BNQ: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Returns the logits, and which units of each hidden layer are on."""
        x_BNH = item_BNQ + (user_BP @ self.get_buffer("weight0").T).unsqueeze(1)
        on = []
        for place in range(1, self.n_layers):
            on.append((x_BNH > 0).to(torch.float32))
            x_BNH = torch.relu(x_BNH) @ self.get_buffer(f"weight{place}").T + self.get_buffer(f"bias{place}")
        return x_BNH.squeeze(2), on

    def back(self, item_BNQ: Tensor, kept: list[Tensor], pull_BN: Tensor) -> Tensor:
        """Returns Σ pull · ∂logit / ∂u, layer by layer from the last."""
        slope_BNH = pull_BN.unsqueeze(2)
        for place in range(self.n_layers - 1, 0, -1):
            slope_BNH = (slope_BNH @ self.get_buffer(f"weight{place}")) * kept[place - 1]
        return slope_BNH.sum(1) @ self.get_buffer("weight0")


@graph_of.register
def _(model: EmbeddingDot) -> DeviceGraph:
    return DotGraph(model)


@graph_of.register
def _(model: EmbeddingDotBias) -> DeviceGraph:
    return DotBiasGraph(model)


@graph_of.register
def _(model: EmbeddingNet) -> DeviceGraph:
    return NetGraph(model)
