"""Huber's loss in the models of ratings: its formula, and what an outlier then weighs."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the neural extra is not installed")

from recsmith import Run  # noqa: E402
from recsmith.errors import InvalidValue  # noqa: E402
from recsmith.models import DNN, EmbeddingDotBias, MultiTask  # noqa: E402
from recsmith.testing import toy  # noqa: E402

SMALL = {"embedding_dim": 4, "n_epochs": 1, "batch_size": 64}
MODELS = {
    "ranker": lambda **more: DNN(**SMALL, deep_dims=(4,), **more),
    "two heads": lambda **more: MultiTask(**SMALL, output_dim=4, retrieval_weight=0.0, **more),
    "embeddings": lambda **more: EmbeddingDotBias(**SMALL, **more),
}


def plain(error, delta):
    """Returns the loss of one error: e² up to δ, 2δ|e| − δ² beyond."""
    return error**2 if abs(error) <= delta else 2 * delta * abs(error) - delta**2


@pytest.mark.parametrize("delta", [0.1, 1.0])
@pytest.mark.parametrize("name", MODELS)
def test_the_loss_is_hubers(name, delta):
    data = toy.tastes(n_users=20, n_items=20)
    model = MODELS[name](rating_loss="huber", huber_delta=delta).fit(data, run=Run(n_threads=1))
    batch = next(iter(model._batches(data, Run()).epoch(0)))
    with torch.no_grad():
        found = float(model._loss(model.net, batch))
        rating = batch["weight"].numpy()
        if name == "two heads":
            person, thing = model.towers.people(batch), model.towers.things(batch["item"])
            predicted = model.net.rating(person, thing).numpy()
        else:
            predicted = model.net(batch).numpy()
    assert found == pytest.approx(np.mean([plain(e, delta) for e in predicted - rating]), rel=1e-5)


def test_an_outlier_pulls_less():
    """Four of five say 3 and one says 103: the mean is 23, and Huber's with δ = 1 stays near 3."""
    settings = DNN(rating_loss="huber").config
    rating = torch.tensor([3.0, 3.0, 3.0, 3.0, 103.0])
    level = torch.zeros(1, requires_grad=True)
    descent = torch.optim.SGD([level], 0.1)
    for _ in range(300):
        descent.zero_grad()
        settings.loss_of(level.expand(5), rating).backward()
        descent.step()
    assert level.item() == pytest.approx(3.25, abs=0.01)  # 4 e = δ


def test_settings_that_cannot_be():
    with pytest.raises(InvalidValue, match="DNN.huber_delta must be greater than 0. Got 0"):
        DNN(huber_delta=0)
    with pytest.raises(InvalidValue, match="MultiTask.rating_loss must be 'squared' or 'huber'"):
        MultiTask(rating_loss="hubr")
