"""Dropout, feature groups and item vectors."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the neural extra is not installed")

from recsmith.errors import InvalidValue  # noqa: E402
from recsmith.nn.dropout import Dropout  # noqa: E402
from recsmith.nn.event_embedding import FeatureShape, FeatureTable, GroupEmbedding  # noqa: E402
from recsmith.nn.item_vectors import ItemVectors  # noqa: E402
from recsmith.nn.side import Side  # noqa: E402


def test_dropout_keeps_the_share_and_the_mean():
    torch.manual_seed(0)
    x = torch.ones(1001, 101)
    dropped = Dropout(0.2)(x)
    assert (dropped == 0).float().mean().item() == pytest.approx(0.2, abs=0.01)
    assert dropped.mean().item() == pytest.approx(1.0, abs=0.01)
    assert torch.equal(Dropout(0.2).eval()(x), x)
    assert torch.equal(Dropout(0.0)(x), x)
    with pytest.raises(InvalidValue, match="dropout must be 0 or more and below 1"):
        Dropout(1.0)


def test_a_list_is_the_mean_of_what_is_there():
    table = FeatureTable(5, 3)
    rows = table.table.weight.detach().numpy()
    found = table(torch.tensor([[1, 4, 0], [0, 0, 0]])).detach().numpy()
    np.testing.assert_allclose(found, [(rows[1] + rows[4]) / 2, np.zeros(3)], atol=1e-6)
    alone = table(torch.tensor([[2], [0]])).detach().numpy()
    np.testing.assert_allclose(alone, rows[[2, 0]])


def test_a_group_puts_features_side_by_side():
    shared = torch.nn.Embedding(4, 2)
    shapes = [FeatureShape("item_id", 4, 2, shared=True), FeatureShape("genre", 3, 5), FeatureShape("rating")]
    group = GroupEmbedding(shapes, shared=shared)
    inputs = {
        "item_id": torch.tensor([[[1], [0]]]),
        "genre": torch.tensor([[[1, 2], [0, 0]]]),
        "rating": torch.tensor([[0.5, 0.0]]),
    }
    assert group.width == 8 and group(inputs).shape == (1, 2, 8)
    np.testing.assert_allclose(group(inputs)[..., :2].detach(), shared(torch.tensor([[1, 0]])).detach())
    assert sum(p.numel() for p in group.parameters()) == 15, "the shared table belongs to whoever lends it"


def test_an_item_that_was_never_taken_is_its_features():
    torch.manual_seed(0)
    items = ItemVectors(
        torch.tensor([True, False]),
        4,
        features=[FeatureShape("genres", 3, 2)],
        inputs={"genres": torch.tensor([[1, 2], [1, 0]])},
    )
    by_features = items.of_features()
    np.testing.assert_allclose(items()[1].detach(), by_features[1].detach())
    np.testing.assert_allclose(items()[0].detach(), (items.ids.weight[1] + by_features[0]).detach())


def test_the_mean_of_a_history_is_that_of_its_rows():
    torch.manual_seed(0)
    shapes = [FeatureShape("item_id", 6, 3), FeatureShape("genres", 4, 2), FeatureShape("year#value")]
    tables = {
        "genres": np.array([[0, 0], [1, 2], [3, 0], [0, 0], [2, 3], [1, 1]]),
        "year#value": np.arange(6) / 5,
    }
    side = Side(shapes, tables, id_name="item_id", unknown_rows=np.array([5]))
    histories = torch.tensor([[0, 0, 0, 0], [0, 2, 2, 4], [1, 2, 3, 5], [0, 0, 0, 1]])
    rows = side(torch.arange(6)).detach().numpy()
    expected = [
        rows[[r for r in row if r]].mean(0) if any(row) else 0 * rows[0] for row in histories.tolist()
    ]
    found = side.mean(histories)
    np.testing.assert_allclose(found.detach(), expected, atol=1e-6)
    by_hand = (side(histories) * (histories > 0).unsqueeze(-1)).sum(1)
    by_hand = by_hand / (histories > 0).sum(1, keepdim=True).clamp(min=1)
    for weight in side.parameters():
        wanted, got = (
            torch.autograd.grad(x.square().sum(), weight, retain_graph=True)[0] for x in (by_hand, found)
        )
        np.testing.assert_allclose(got, wanted, atol=1e-5)


def test_an_exported_side_uses_plain_operators():
    class Mean(torch.nn.Module):
        def __init__(self):
            super().__init__()
            genres = np.array([[0, 0], [1, 2], [3, 0]])
            self.side = Side(
                [FeatureShape("item_id", 3, 2), FeatureShape("genres", 4, 2)],
                {"genres": genres},
                id_name="item_id",
            )

        def forward(self, rows):
            return self.side.mean(rows)

    net, rows = Mean().eval(), torch.tensor([[0, 0, 0], [0, 2, 2], [1, 2, 1]])
    program = torch.export.export(net, (rows,))
    torch.testing.assert_close(program.module()(rows), net(rows))
    used = {str(node.target) for node in program.graph.nodes if node.op == "call_function"}
    assert not any(name.startswith(("aten._embedding_bag", "aten._unique")) for name in used), used
