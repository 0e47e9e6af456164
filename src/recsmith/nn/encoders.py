"""Encoders: a person's events in order, to a vector after every event. Right padding; none sees the future.

Each takes x [B, L, D] and mask [B, L] (True for events, which come first) and gives [B, L, E]: row l depends
on events 0..l alone, and on the last `window` of them where the encoder has one. `last` gives [B, E], the
vector after the last event, zeros for a person without events.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from recsmith.errors import InvalidValue

_VECTOR = 8  # float32 numbers in a vector register


class Encoder(nn.Module):
    """Is what every encoder is; `width` is E."""

    width: int

    @abstractmethod
    def forward(self, x_BLD: Tensor, mask_BL: Tensor) -> Tensor:
        """Returns [B, L, E]."""

    def last(self, x_BLD: Tensor, mask_BL: Tensor) -> Tensor:
        """Returns [B, E]: the vector after the last event."""
        return pick_last(self(x_BLD, mask_BL), mask_BL)


def pick_last(y_BLE: Tensor, mask_BL: Tensor) -> Tensor:
    """Returns the row of the last event [B, E], zeros for a person without events."""
    there_B1 = mask_BL.sum(1, keepdim=True)
    if torch.compiler.is_compiling():  # a product with a one-hot row, which every exporter knows
        place_L = torch.arange(1, mask_BL.shape[1] + 1, device=mask_BL.device)
        return ((place_L == there_B1).to(y_BLE.dtype).unsqueeze(1) @ y_BLE).squeeze(1)
    n_people, length = mask_BL.shape
    first_B = torch.arange(0, n_people * length, length, device=mask_BL.device)
    row_B = first_B + (there_B1.squeeze(1) - 1).clamp(min=0)
    return y_BLE.flatten(0, 1).index_select(0, row_B) * (there_B1 > 0)


class BagOfWords(Encoder):
    """Is the mean of the events so far, or of the last `window` of them."""

    def __init__(self, dim: int, *, window: int | None = None) -> None:
        super().__init__()
        self.width, self.window = dim, window

    def forward(self, x_BLD: Tensor, mask_BL: Tensor) -> Tensor:
        mask = mask_BL.unsqueeze(2).to(x_BLD.dtype)
        total, count = (x_BLD * mask).cumsum(1), mask.cumsum(1)
        if self.window is not None and self.window < x_BLD.shape[1]:
            gone = self.window
            total = total - functional.pad(total, (0, 0, gone, 0))[:, :-gone]
            count = count - functional.pad(count, (0, 0, gone, 0))[:, :-gone]
        return total / count.clamp(min=1)

    def last(self, x_BLD: Tensor, mask_BL: Tensor) -> Tensor:
        if self.window is not None and self.window < x_BLD.shape[1]:
            return super().last(x_BLD, mask_BL)
        mask = mask_BL.unsqueeze(2).to(x_BLD.dtype)
        return (x_BLD * mask).sum(1) / mask.sum(1).clamp(min=1)


class CausalConv(Encoder):
    """Is a stack of convolutions over the events, each with a ReLU, then the maximum over the recent steps.

    Stride 1; a step sees itself and the steps before it. With a `window` the maximum covers those steps whose
    field of view lies inside the last `window` events, so a vector depends on these alone.
    """

    def __init__(
        self, dim: int, *, n_filters: Sequence[int], kernel_size: int, window: int | None = None
    ) -> None:
        super().__init__()
        if not n_filters:
            raise InvalidValue("n_filters", "at least one number", list(n_filters))
        sizes = [dim, *n_filters]
        self.filters = nn.ModuleList(
            nn.Linear(kernel_size * a, b) for a, b in zip(sizes, n_filters, strict=False)
        )
        self.kernel_size, self.width = kernel_size, n_filters[-1]
        field = 1 + (kernel_size - 1) * len(n_filters)
        if window is not None and window < field:
            raise InvalidValue(
                "context_length",
                f"at least {field}, what {len(n_filters)} convolutions of kernel {kernel_size} see",
                window,
                "Lower kernel_size, or use fewer n_filters.",
            )
        self.steps = None if window is None else window - field + 1

    def forward(self, x_BLD: Tensor, mask_BL: Tensor) -> Tensor:
        return _running_max(self._filtered(x_BLD).relu(), self.steps) * mask_BL.unsqueeze(2)

    def last(self, x_BLD: Tensor, mask_BL: Tensor) -> Tensor:
        return _max_of_newest(self._filtered(x_BLD), mask_BL, self.steps)

    def _filtered(self, x_BLD: Tensor) -> Tensor:
        """Returns what the last filters say, without their ReLU; padding comes last, so no event sees it."""
        y_BLE = x_BLD
        for place, filters in enumerate(self.filters):
            y_BLE = filters(_with_those_before(y_BLE.relu() if place else y_BLE, self.kernel_size))
        return y_BLE


class CaserConv(Encoder):
    """Is Caser's pair (Tang & Wang, WSDM 2018): filters of every height, and weighted sums over the window.

    Horizontal: for each height h of `heights`, `n_horizontal` convolutions of kernel h, ReLU, maximum over
    the window. Vertical: `n_vertical` weighted sums of the window's events, dimension by dimension.
    """

    def __init__(
        self, dim: int, *, window: int, heights: Sequence[int], n_horizontal: int, n_vertical: int
    ) -> None:
        super().__init__()
        if max(heights) > window:
            raise InvalidValue("heights", f"at most context_length, {window}", max(heights))
        self.window, self.heights = window, tuple(heights)
        self.horizontal = nn.ModuleList(nn.Linear(height * dim, n_horizontal) for height in heights)
        self.vertical = nn.Linear(window, n_vertical) if n_vertical else None
        self.width = n_horizontal * len(self.heights) + n_vertical * dim

    def forward(self, x_BLD: Tensor, mask_BL: Tensor) -> Tensor:
        x = x_BLD * mask_BL.unsqueeze(2)
        parts = []
        for height, filters in zip(self.heights, self.horizontal, strict=True):
            seen = filters(_with_those_before(x, height)).relu()
            parts.append(_running_max(seen, self.window - height + 1))
        if self.vertical is not None:
            window_BLDW = functional.pad(x, (0, 0, self.window - 1, 0)).unfold(1, self.window, 1)
            parts.append(self.vertical(window_BLDW).flatten(2))
        return torch.cat(parts, 2) * mask_BL.unsqueeze(2)

    def last(self, x_BLD: Tensor, mask_BL: Tensor) -> Tensor:
        x = x_BLD * mask_BL.unsqueeze(2)
        parts = []
        for height, filters in zip(self.heights, self.horizontal, strict=True):
            seen = filters(_with_those_before(x, height))
            parts.append(_max_of_newest(seen, mask_BL, self.window - height + 1))
        if self.vertical is not None:
            # Event l of n stands at place W − n + l of the window.
            there = mask_BL.sum(1, keepdim=True)
            place_BL = torch.arange(mask_BL.shape[1], device=mask_BL.device) + self.window - there
            weight_BLN = functional.embedding(place_BL.clamp(0, self.window - 1), self.vertical.weight.T)
            inside_BL = mask_BL & (place_BL >= 0)
            weighted_BND = (weight_BLN * inside_BL.unsqueeze(2)).transpose(1, 2) @ x
            parts.append((weighted_BND + self.vertical.bias.unsqueeze(1)).transpose(1, 2).flatten(1))
        return torch.cat(parts, 1) * mask_BL.any(1, keepdim=True)


class Recurrent(Encoder):
    """Is an LSTM or a GRU; what stands after the last event is read at that event, never at the padding."""

    def __init__(self, dim: int, *, n_units: int, kind: str = "lstm", n_layers: int = 1) -> None:
        super().__init__()
        cell = nn.LSTM if kind == "lstm" else nn.GRU
        self.cells = cell(dim, n_units, num_layers=n_layers, batch_first=True)
        self.width = n_units

    def forward(self, x_BLD: Tensor, mask_BL: Tensor) -> Tensor:
        return self._run(x_BLD) * mask_BL.unsqueeze(2)  # padding follows the events: no cell sees it

    def last(self, x_BLD: Tensor, mask_BL: Tensor) -> Tensor:
        return pick_last(self._run(x_BLD), mask_BL)

    def _run(self, x_BLD: Tensor) -> Tensor:
        """Returns the states [B, L, E]; on a CPU an odd width takes twice the time of the next 8."""
        cells = self.cells
        odd = cells.input_size % _VECTOR or cells.hidden_size % _VECTOR
        if not isinstance(cells, nn.LSTM) or not odd or x_BLD.device.type != "cpu":
            return cells(x_BLD)[0]
        if torch.compiler.is_compiling():
            return cells(x_BLD)[0]
        # A unit whose weights are all 0 stays at 0, whatever the gates: σ(0) · tanh(0).
        width, wide = cells.hidden_size, -cells.hidden_size % _VECTOR
        padded = []
        for weight in cells.parameters():
            gates = weight.view(4, width, -1)
            across = -gates.shape[2] % _VECTOR if weight.ndim > 1 else 0
            padded.append(functional.pad(gates, (0, across, 0, wide)).flatten(0, 1).squeeze(-1))
        x = functional.pad(x_BLD, (0, -cells.input_size % _VECTOR))
        start = x.new_zeros(cells.num_layers, len(x), width + wide)
        states, _, _ = torch.lstm(
            x,
            (start, start),
            padded,
            has_biases=True,
            num_layers=cells.num_layers,
            dropout=0.0,
            train=self.training,
            bidirectional=False,
            batch_first=True,
        )
        return states[..., :width]


def _with_those_before(x_BLD: Tensor, n: int) -> Tensor:
    """Returns [B, L, n · D]: each step with the n − 1 before it, oldest first, zeros before the start."""
    length = x_BLD.shape[1]
    padded = functional.pad(x_BLD, (0, 0, n - 1, 0))
    return torch.cat([padded[:, back : back + length] for back in range(n)], 2)


def _running_max(y_BLE: Tensor, steps: int | None) -> Tensor:
    """Returns the maximum over the last `steps` steps; y is 0 or more, so zeros in front do nothing."""
    if steps is None:
        return y_BLE.cummax(1).values
    if steps == 1:
        return y_BLE
    padded = functional.pad(y_BLE, (0, 0, steps - 1, 0)).transpose(1, 2)
    return functional.max_pool1d(padded, steps, stride=1).transpose(1, 2)


def _max_of_newest(y_BLE: Tensor, mask_BL: Tensor, steps: int | None) -> Tensor:
    """Returns [B, E]: the ReLU of the maximum over the last `steps` events; nobody's is 0."""
    newest_BL = mask_BL
    if steps is not None and steps < mask_BL.shape[1]:
        place_L = torch.arange(mask_BL.shape[1], device=mask_BL.device)
        newest_BL = mask_BL & (place_L >= mask_BL.sum(1, keepdim=True) - steps)
    return (y_BLE * newest_BL.unsqueeze(2)).amax(1).relu()
