"""TableMachine: crossed features by every method, groups, files of libFM, what does not fit."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from recsmith import Run
from recsmith.data.sources.libfm import FeatureTable, read_libfm, write_libfm
from recsmith.errors import Diverged, InvalidValue, NotFitted
from recsmith.models.factorization import TableMachine


def crossed(n=600, seed=0):
    """Gives 8 features and a target that is one product of two of them, a weight, and a little noise."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 1, (n, 8)) * (rng.random((n, 8)) < 0.5)
    y = 2 + x[:, 0] - 2 * x[:, 1] * x[:, 2] + rng.normal(0, 0.1, n)
    return FeatureTable(y, sparse.csr_matrix(x, dtype=np.float32))


@pytest.mark.parametrize(
    ("method", "settings", "most"),
    [
        ("gibbs", {"n_epochs": 60, "n_burn_in": 20}, 0.15),
        ("als", {"n_epochs": 60, "regularization": 0.1}, 0.15),
        ("sgd", {"n_epochs": 100, "learning_rate": 0.02, "regularization": 0.0}, 0.25),
    ],
)
def test_a_product_of_two_features_is_found(method, settings, most):
    train, test = crossed(), crossed(seed=1)
    machine = TableMachine(method=method, embedding_dim=2, **settings).fit(train, groups=[3, 5])
    error = machine.predict(test.features) - test.target_N
    assert np.sqrt(np.mean(error**2)) < most * test.target_N.std()
    alone = TableMachine(method="als", embedding_dim=1, n_epochs=1, init_scale=1e-9).fit(train)
    assert np.std(alone.predict(test.features) - test.target_N) > 0.5 * test.target_N.std()


def test_levels_and_likes():
    train, test = crossed(), crossed(seed=1)
    stars = FeatureTable(np.clip(np.round(train.target_N), 0, 4), train.features)
    machine = TableMachine(task="ordinal", embedding_dim=2, n_epochs=60, n_burn_in=20).fit(stars)
    expected = np.clip(np.round(test.target_N), 0, 4)
    assert np.abs(machine.predict(test.features) - expected).mean() < 0.35
    likes = TableMachine(task="binary", like_from=2.0, embedding_dim=2, n_epochs=60, n_burn_in=20).fit(train)
    clear = np.abs(test.target_N - 2) > 0.5
    chance, liked = likes.predict(test.features)[clear], test.target_N[clear] >= 2
    assert chance[liked].mean() > 0.85 and chance[~liked].mean() < 0.15


def test_through_a_file_it_learns_the_same(tmp_path):
    train = crossed(100)
    write_libfm(tmp_path / "train.libsvm", train, first=1)
    again = read_libfm(tmp_path / "train.libsvm", first=1, n_features=8)
    fits = [TableMachine(embedding_dim=2, n_epochs=5).fit(t, run=Run(seed=3)) for t in (train, again)]
    np.testing.assert_array_equal(*(fit.predict(train.features) for fit in fits))


def test_what_does_not_fit_is_refused():
    train = crossed(50)
    machine = TableMachine(n_epochs=2, embedding_dim=2)
    with pytest.raises(NotFitted):
        machine.predict(train.features)
    machine.fit(train)
    with pytest.raises(InvalidValue, match=r"features must be of 8 columns.*Got 7. Give read_libfm the same"):
        machine.predict(train.features[:, :7])
    with pytest.raises(InvalidValue, match="groups must be widths of 1 or more that make 8 columns"):
        machine.fit(train, groups=[3, 4])
    with pytest.raises(InvalidValue, match=r"TableMachine.n_epoch must be a known setting.*'n_epochs'"):
        TableMachine(n_epoch=3)
    with pytest.raises(Diverged, match="at step"):
        TableMachine(method="sgd", learning_rate=1e4).fit(train)
