"""IALS, EASE and lists through torch: on torch's CPU device what the compiled kernels give, to rounding; on a
GPU the same, where there is one; a device that is not there, and no torch."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from recsmith import Run
from recsmith.data import Dataset, Interactions, Vocabulary
from recsmith.errors import InvalidValue, MissingExtra
from recsmith.models import EASE, IALS, PureSVD
from recsmith.models import accelerator as where
from recsmith.testing import toy

torch = pytest.importorskip("torch", reason="the neural extra is not installed")

TASTES = toy.tastes()
MODELS = {
    "EASE": lambda: EASE(regularization=20),
    "EASE, damped weights": lambda: EASE(regularization=20, activity_exponent=0.4, weighting="weight"),
    "EASE, dual, float64": lambda: EASE(regularization=20, solver="dual", precision="float64"),
    "IALS": lambda: IALS(embedding_dim=8, n_epochs=4),
    "IALS, long vectors": lambda: IALS(embedding_dim=64, n_epochs=3),
    "IALS, recent events": lambda: IALS(embedding_dim=8, n_epochs=4, history_half_life=3.0),
    "EASE, recent events": lambda: EASE(regularization=20, history_half_life=3.0),
    "IALS, exact, weights": lambda: IALS(embedding_dim=8, n_epochs=4, solver="cholesky", weighting="log"),
}
THERE = ["torch's CPU device", "cuda"]


@pytest.fixture(params=THERE)
def there(request, monkeypatch) -> Run:
    """Returns a run on a device: of torch's own on the CPU, which no run can name, or a GPU."""
    if request.param == "cuda":
        if not torch.cuda.is_available():
            pytest.skip("this machine has no CUDA device")
        return Run(device="cuda")
    for module in ("factorization.ease", "factorization.ials", "base"):
        used = sys.modules[f"recsmith.models.{module}"]
        monkeypatch.setattr(
            used, "accelerator", lambda run: torch.device("cpu") if run.device == "torch" else None
        )
    return Run(device="torch")


def blocks(model, run: Run, **options):
    found = list(model.top_k(model.memory.histories, run=run, **options))
    return np.concatenate([b.codes for b in found]), np.concatenate([b.scores for b in found])


@pytest.mark.parametrize("name", MODELS)
def test_a_fit_there_is_a_fit_here(name, there):
    here_state = MODELS[name]().fit(TASTES, run=Run(device="cpu"))
    model = MODELS[name]().fit(TASTES, run=there)
    np.testing.assert_allclose(
        model._score(TASTES.histories()), here_state._score(TASTES.histories()), rtol=2e-3, atol=2e-4
    )
    for mine, theirs in zip(model.learning_curve, here_state.learning_curve, strict=True):
        assert mine == pytest.approx(theirs, rel=1e-4)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    "options", [{}, {"k": 100}, {"exclude_seen": False}, {"allowed": np.arange(40) % 3 == 0, "k": 5}]
)
def test_lists_there_are_the_lists_here(name, options, there):
    model = MODELS[name]().fit(TASTES)
    (code_BK, score_BK), (code_there_BK, score_there_BK) = (
        blocks(model, run, **options) for run in (Run(), there)
    )
    np.testing.assert_array_equal(code_there_BK >= 0, code_BK >= 0)
    np.testing.assert_allclose(score_there_BK, score_BK, rtol=1e-4, atol=1e-5)
    apart = code_there_BK != code_BK  # ties to rounding
    assert apart.mean() < 0.02


@pytest.mark.parametrize("unknown", ["popular", "skip"])
def test_people_of_whom_nothing_is_known_get_there_what_they_get_here(unknown, there):
    model = IALS(embedding_dim=4, n_epochs=2).fit(TASTES)
    here, other = (
        model.recommend(histories=[[], [1, 2]], k=50, unknown=unknown, run=run) for run in (Run(), there)
    )
    assert here.item_ids == other.item_ids


def test_equal_scores_go_by_code():
    from recsmith.nn.closed_forms import Products

    products = Products(np.array([[1, 3, 3, 2, 3, np.nan]], np.float32), torch.device("cpu"))
    nothing = np.zeros(0, np.int64)
    codes, scores = products.top(
        np.ones((1, 1), np.float32),
        6,
        unknown_I=np.arange(6) == 3,
        cold=(nothing, np.zeros(6, np.float32)),
        seen=(np.zeros(1, np.int32), np.array([2], np.int32)),
        barred_I=np.zeros(6, bool),
    )
    assert codes.tolist() == [[1, 4, 0, -1, -1, -1]]
    assert scores.tolist() == [[3, 3, 1, -np.inf, -np.inf, -np.inf]]


def test_rows_of_many_lengths_and_small_batches(monkeypatch):
    from recsmith.kernels.ridge import ridge_rows_plain
    from recsmith.nn import closed_forms

    monkeypatch.setattr(closed_forms, "_BATCH_NUMBERS", 64)
    rng = np.random.default_rng(0)
    lengths = rng.integers(0, 30, 40)
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    item = rng.integers(0, 50, indptr[-1]).astype(np.int32)
    weight = rng.random(indptr[-1]).astype(np.float32)
    vector_ID = rng.standard_normal((50, 4)).astype(np.float32)
    base_DD, penalty_B = (vector_ID.T @ vector_ID * 0.1), np.full(40, 0.3, np.float32)
    expected_BD, loss_B = ridge_rows_plain(
        indptr, item, weight, np.ones_like(weight), vector_ID, base_DD, penalty_B
    )
    rows = closed_forms.RidgeRows(indptr, item, weight, 4, torch.device("cpu"))
    for n_steps in (None, 8):
        out_BD = np.full((40, 4), 0.5, np.float32)
        loss = rows.solve(vector_ID, base_DD, penalty_B, out_BD, n_steps=n_steps)
        np.testing.assert_allclose(out_BD, expected_BD, atol=1e-4)
        assert loss == pytest.approx(loss_B.sum(), rel=1e-5)


def test_too_little_regularization_is_said_there_too(there):
    rng = np.random.default_rng(2)
    taken_UI = np.repeat(rng.random((30, 4)) < 0.9, 3, axis=1)
    taken_UI[:, 0] = True
    user, item = np.nonzero(taken_UI)
    events = Interactions.from_arrays(user, item, np.ones(len(user)))
    data = Dataset(events, Vocabulary(np.arange(30)), Vocabulary(np.arange(12)))
    with pytest.raises(InvalidValue, match="regularization must be large enough to invert in float32"):
        EASE(regularization=1e-12, solver="primal").fit(data, run=there)


def test_only_a_run_that_names_a_gpu_goes_there(monkeypatch):
    assert where.accelerator(Run()) is None
    assert where.accelerator(Run(device="cpu")) is None
    if not torch.cuda.is_available():
        for model in (EASE(), IALS()):
            with pytest.raises(InvalidValue, match=r"device must be there. Got 'cuda'. This machine has no"):
                model.fit(TASTES, run=Run(device="cuda"))
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtra, match=r"pip install 'recsmith\[neural\]'"):
        EASE().fit(TASTES, run=Run(device="cuda"))


def test_a_model_whose_scores_are_no_product_makes_its_lists_on_the_cpu(there):
    model = PureSVD(embedding_dim=4).fit(TASTES)
    np.testing.assert_array_equal(blocks(model, there)[0], blocks(model, Run())[0])
