"""Encoders: none sees the future or the padding; a window is a window; plain loops where there are some."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the neural extra is not installed")

from recsmith.errors import InvalidValue  # noqa: E402
from recsmith.nn.encoders import BagOfWords, CaserConv, CausalConv, Recurrent, pick_last  # noqa: E402
from recsmith.nn.transformer import Transformer  # noqa: E402

D, LONGEST = 6, 12
MAKERS = {
    "bow": lambda: BagOfWords(D),
    "bow, window": lambda: BagOfWords(D, window=4),
    "cnn": lambda: CausalConv(D, n_filters=[5], kernel_size=3),
    "cnn, two layers, window": lambda: CausalConv(D, n_filters=[5, 4], kernel_size=2, window=4),
    "caser": lambda: CaserConv(D, window=4, heights=[1, 2, 4], n_horizontal=3, n_vertical=2),
    "lstm": lambda: Recurrent(D, n_units=5),
    "gru, two layers": lambda: Recurrent(D, n_units=5, kind="gru", n_layers=2),
    "sasrec": lambda: Transformer(D, max_length=LONGEST, n_heads=2),
    "post-norm": lambda: Transformer(D, max_length=LONGEST, block="post", feedforward=4),
    "gated": lambda: Transformer(D, max_length=LONGEST, block="gated"),
}


@pytest.fixture(params=MAKERS)
def encoder(request):
    torch.manual_seed(0)
    return MAKERS[request.param]().eval()


def events(lengths, seed=0):
    x = torch.randn(len(lengths), max(max(lengths), 1), D, generator=torch.Generator().manual_seed(seed))
    mask = torch.arange(x.shape[1]) < torch.tensor(lengths)[:, None]
    return x, mask


def test_width_and_shape(encoder):
    x, mask = events([5, 9])
    assert encoder(x, mask).shape == (2, 9, encoder.width)
    assert encoder.last(x, mask).shape == (2, encoder.width)


def test_nobody_sees_the_future(encoder):
    x, mask = events([9])
    changed = x.clone()
    changed[:, 6:] = 100.0
    np.testing.assert_allclose(
        encoder(x, mask)[:, :6].detach(), encoder(changed, mask)[:, :6].detach(), atol=1e-6
    )


def test_padding_is_no_matter(encoder):
    x, mask = events([5, 9])
    rubbish = torch.where(mask.unsqueeze(2), x, torch.full_like(x, 1e4))
    inside = mask.numpy()
    np.testing.assert_allclose(
        encoder(x, mask).detach().numpy()[inside],
        encoder(rubbish, mask).detach().numpy()[inside],
        atol=1e-5,
    )
    alone = encoder.last(x[:1, :5], mask[:1, :5]).detach()
    np.testing.assert_allclose(encoder.last(rubbish, mask)[:1].detach(), alone, atol=1e-5)


def test_one_pass_equals_prefix_by_prefix(encoder):
    x, mask = events([LONGEST, 7])
    whole = encoder(x, mask).detach()
    for row, length in enumerate((LONGEST, 7)):
        for stop in range(1, length + 1):
            prefix = encoder.last(x[row : row + 1, :stop], mask[row : row + 1, :stop]).detach()
            np.testing.assert_allclose(whole[row, stop - 1], prefix[0], atol=1e-5)


def test_a_row_of_padding_gives_numbers(encoder):
    x, mask = events([0, 3])
    last = encoder.last(x, mask)
    assert torch.isfinite(last).all() and (last[0] == 0).all()
    last.sum().backward() if any(p.requires_grad for p in encoder.parameters()) else None
    assert all(torch.isfinite(p.grad).all() for p in encoder.parameters() if p.grad is not None)


@pytest.mark.parametrize("name", ["bow, window", "cnn, two layers, window", "caser"])
def test_a_window_sees_its_last_events_alone(name):
    torch.manual_seed(0)
    encoder = MAKERS[name]().eval()
    x, mask = events([10])
    window = encoder.last(x[:, -4:], mask[:, -4:]).detach()
    changed = x.clone()
    changed[:, :6] = 50.0
    np.testing.assert_allclose(
        encoder.last(changed, mask).detach(), encoder.last(x, mask).detach(), atol=1e-4
    )
    if name == "bow, window":
        np.testing.assert_allclose(encoder.last(x, mask).detach(), window, atol=1e-5)


def test_bag_of_words_is_a_running_mean():
    x, mask = events([9])
    found = BagOfWords(D, window=3)(x, mask)[0].numpy()
    rows = x[0].numpy()
    for place in range(9):
        np.testing.assert_allclose(found[place], rows[max(0, place - 2) : place + 1].mean(0), atol=1e-5)


def test_convolution_against_a_plain_loop():
    torch.manual_seed(0)
    encoder = CausalConv(D, n_filters=[5], kernel_size=3, window=5)
    x, mask = events([9])
    weight, bias = (t.detach().numpy() for t in encoder.filters[0].parameters())
    padded = np.concatenate([np.zeros((2, D), np.float32), x[0].numpy()])
    steps = np.array([np.maximum(weight @ padded[i : i + 3].ravel() + bias, 0) for i in range(9)])
    found = encoder(x, mask)[0].detach().numpy()
    for place in range(9):  # a window of 5 events holds 3 whole views of 3 events
        np.testing.assert_allclose(found[place], steps[max(0, place - 2) : place + 1].max(0), atol=1e-5)


def test_a_transformer_reads_events_at_the_root_of_their_length():
    encoder = Transformer(D, max_length=LONGEST, n_blocks=1).eval()
    x, mask = events([9])
    read = []
    encoder.blocks[0].register_forward_pre_hook(lambda _, given: read.append(given[0]))
    encoder(0.02 * x, mask)
    expected = 0.02 * x * D**0.5 + encoder.position[:9]
    np.testing.assert_allclose(read[0].detach(), expected.detach(), atol=1e-6)


def test_the_last_is_that_of_the_last_event():
    y = torch.arange(12.0).view(2, 3, 2)
    mask = torch.tensor([[True, True, False], [False, False, False]])
    assert pick_last(y, mask).tolist() == [[2.0, 3.0], [0.0, 0.0]]


def test_what_does_not_fit_is_refused():
    with pytest.raises(InvalidValue, match="context_length must be at least 5"):
        CausalConv(D, n_filters=[4, 4], kernel_size=3, window=4)
    with pytest.raises(InvalidValue, match="n_heads must be a divisor"):
        Transformer(D, max_length=4, n_heads=4)
    with pytest.raises(InvalidValue, match="at most 4 events"):
        Transformer(D, max_length=4)(torch.zeros(1, 5, D), torch.ones(1, 5, dtype=torch.bool))


@pytest.mark.parametrize(("dim", "n_units", "n_layers"), [(6, 5, 1), (8, 15, 2), (1, 1, 1), (9, 16, 1)])
def test_an_lstm_of_an_odd_width_learns_what_the_plain_cells_learn(dim, n_units, n_layers):
    torch.manual_seed(0)
    encoder = Recurrent(dim, n_units=n_units, n_layers=n_layers)
    x = torch.randn(7, 4, dim, requires_grad=True)
    mask = torch.ones(7, 4, dtype=torch.bool)
    found, expected = [], []
    for gradients, states in ((found, encoder(x, mask)), (expected, encoder.cells(x)[0])):
        encoder.zero_grad()
        gradients += torch.autograd.grad(states.square().sum(), [x, *encoder.parameters()])
        gradients.append(states.detach())
    for mine, plain in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, plain, rtol=1e-5, atol=1e-6)
