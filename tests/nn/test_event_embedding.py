"""Feature tables: lists as codes and lists as shares are the same mean; rows have the same gradient."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the neural extra is not installed")

from recsmith.nn import event_embedding  # noqa: E402
from recsmith.nn.event_embedding import FeatureShape, FeatureTable, look_up, prepared  # noqa: E402

LISTS = torch.tensor([[1, 2, 0], [3, 0, 0], [0, 0, 0], [2, 2, 4]])
GENRES = FeatureShape("genres", n_codes=5, dim=3)


def test_shares_are_the_mean_of_the_list_and_so_is_their_gradient():
    table = FeatureTable(5, 3)
    found = []
    for given in (LISTS, prepared(LISTS, GENRES)):
        table.zero_grad()
        means = table(given)
        means.square().sum().backward()
        found.append((means.detach().numpy(), table.table.weight.grad.numpy().copy()))
    for codes, shares in zip(*found, strict=True):
        np.testing.assert_allclose(shares, codes, atol=1e-6)
    weight = table.table.weight.detach()
    np.testing.assert_allclose(found[1][0][3], (2 * weight[2] + weight[4]) / 3, atol=1e-6)


def test_weighed_words_count_by_weight_each_time_they_stand_there():
    weights = (0.0, 1.0, 2.5, 1.5, 4.0)
    table = FeatureTable(5, 3, weights=weights)
    weight = table.table.weight.detach()
    shape = FeatureShape("title", n_codes=5, dim=3, weights=weights)
    for given in (LISTS, prepared(LISTS, shape)):
        means = table(given).detach()
        torch.testing.assert_close(means[3], (5.0 * weight[2] + 4.0 * weight[4]) / 9)
        torch.testing.assert_close(means[0], (weight[1] + 2.5 * weight[2]) / 3.5)
        assert torch.equal(means[2], torch.zeros(3)), "no words, no vector"


def test_single_values_numbers_and_large_vocabularies_stay_as_they_are(monkeypatch):
    single = LISTS[:, :1]
    assert prepared(single, FeatureShape("year", n_codes=5, dim=3)) is single
    numbers = torch.rand(4)
    assert prepared(numbers, FeatureShape("gap")) is numbers
    monkeypatch.setattr(event_embedding, "_MOST_SHARES", 19)
    assert prepared(LISTS, GENRES) is LISTS


def test_rows_and_their_gradient_are_an_embeddings():
    weight, code = torch.rand(6, 2), torch.tensor([[5, 0, 5], [1, 2, 2]])
    ours, plain = (weight.clone().requires_grad_() for _ in range(2))
    rows, same = look_up(ours, code), torch.nn.functional.embedding(code, plain)
    assert torch.equal(rows, same)
    rows.square().sum().backward()
    same.square().sum().backward()
    torch.testing.assert_close(ours.grad, plain.grad)
