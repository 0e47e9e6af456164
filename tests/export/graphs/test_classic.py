"""Linear, factor and neighbour models as graphs: the same scores as the models, ties and -inf included."""

import numpy as np
import pytest
from scipy import sparse

torch = pytest.importorskip("torch", reason="the neural extra is not installed")

from model_checks import check_graph, histories  # noqa: E402

from recsmith.errors import InvalidValue  # noqa: E402
from recsmith.export.graphs import WHY_NOT, express  # noqa: E402
from recsmith.export.graphs.events import Events  # noqa: E402
from recsmith.export.graphs.ridge import Ridge  # noqa: E402
from recsmith.export.graphs.sparse import SparseProduct  # noqa: E402
from recsmith.models import (  # noqa: E402
    BPR,
    EASE,
    GFCF,
    IALS,
    SLIM,
    Blend,
    FactorizationMachine,
    FunkSVD,
    ItemKNN,
    PureSVD,
    RP3beta,
    SVDpp,
    TfIdfContent,
    UserKNN,
)
from recsmith.testing import toy  # noqa: E402

DATA = toy.tastes()
FACTORS = {"n_epochs": 4, "embedding_dim": 8}


@pytest.mark.parametrize(
    ("model", "settings"),
    [
        (EASE, {"regularization": 10.0, "solver": "primal"}),
        (EASE, {"regularization": 10.0, "solver": "dual", "weighting": "weight", "activity_exponent": 0.5}),
        (EASE, {"regularization": 10.0, "weighting": "weight", "history_half_life": 2.0}),
        (GFCF, {"embedding_dim": 5}),
        (GFCF, {"embedding_dim": 5, "form": "factors", "low_pass": 2.0}),
        (SLIM, {"l1_regularization": 0.3, "l2_regularization": 3.0}),
        (GFCF, {"embedding_dim": 5, "form": "factors", "history_half_life": 2.0}),
        (SLIM, {"l1_regularization": 0.3, "l2_regularization": 3.0, "weighting": "weight"}),
        (SLIM, {"l1_regularization": 0.3, "l2_regularization": 3.0, "history_half_life": 2.0}),
        (RP3beta, {"n_neighbours": 7}),
        (RP3beta, {"neighbours_of": "seen", "weighting": "weight", "alpha": 0.7}),
        (RP3beta, {"weighting": "weight", "alpha": 0.7, "history_half_life": 2.0}),
        (PureSVD, {"embedding_dim": 5}),
        (PureSVD, {"embedding_dim": 5, "mean_center": True, "min_values": 11, "history_half_life": 2.0}),
        (PureSVD, {"embedding_dim": 5, "mean_center": True, "normalize": "both", "min_values": 11}),
        (PureSVD, {"embedding_dim": 5, "weighting": "binary", "normalize": "tfidf"}),
        (IALS, FACTORS),
        (IALS, {**FACTORS, "weighting": "weight", "frequency_exponent": 0.5}),
        (IALS, {**FACTORS, "weighting": "log"}),
        (IALS, {**FACTORS, "weighting": "log", "history_half_life": 2.0}),
        (BPR, FACTORS),
        (FunkSVD, FACTORS),
        (FunkSVD, {**FACTORS, "regularization": 0.01}),
        (SVDpp, {**FACTORS, "learning_rate": 0.05}),
        (ItemKNN, {}),
        (ItemKNN, {"neighbours_of": "seen", "n_neighbours": 3, "history_half_life": 2.0}),
        (ItemKNN, {"similarity": "pearson", "interest": "binary", "n_neighbours": 5}),
        (TfIdfContent, {}),
        (TfIdfContent, {"profile": "centred"}),
        (TfIdfContent, {"profile": "binary", "features": ("year",)}),
    ],
    ids=str,
)
def test_scores_are_the_models(model, settings):
    check_graph(model(**settings).fit(DATA))


@pytest.mark.parametrize(
    "members",
    [
        ({"class": "EASE", "regularization": 10.0}, {"class": "TfIdfContent"}, {"class": "Popular"}),
        ({"class": "ItemKNN", "n_neighbours": 3}, {"class": "IALS", **FACTORS}),
    ],
    ids=str,
)
def test_a_blend_is_its_members(members):
    model = Blend(members=members, weights=(2.0, 1.0, 0.5)[: len(members)]).fit(DATA)
    check_graph(model, within=2e-4)  # standard scores are differences of sums over all items


def test_a_blend_that_no_device_can_make_says_why():
    knn, content = {"class": "ItemKNN"}, {"class": "TfIdfContent"}
    with pytest.raises(
        InvalidValue, match="Blend must be of standard scores, for a device.* Got scale 'rank'"
    ):
        express(Blend(members=(knn, content), weights=(1.0, 1.0), scale="rank").fit(DATA))
    with pytest.raises(InvalidValue, match="histories of everybody in training"):
        express(Blend(members=(knn, {"class": "UserKNN"}), weights=(1.0, 1.0)).fit(DATA))


def test_the_hook_that_knows_training_users_is_not_asked():
    """A training user is a stranger on a device: the graph gives the fold-in, not the stored vector."""
    model = FunkSVD(**FACTORS).fit(DATA)
    check_graph(model, DATA.histories().as_strangers())


def test_items_with_equal_scores_stay_equal():
    """Sums in any order must not part what the model finds equal: there the lower code comes first."""
    rng = np.random.default_rng(1)
    data = toy.tastes(n_users=200, n_items=400, n_tastes=40, seed=2)
    model = ItemKNN(n_neighbours=30).fit(data)
    rows = [rng.choice(380, 60, replace=False).tolist() for _ in range(30)]
    found, expected = check_graph(model, histories(rows))
    n_equal, n_parted = 0, 0
    for found_I, expected_I in zip(found, expected, strict=True):
        values, group_I = np.unique(expected_I, return_inverse=True)
        for group in range(len(values)):
            members = np.flatnonzero(group_I == group)
            n_equal += len(members) - 1
            n_parted += len(np.unique(found_I[members])) - 1
    # Two sums that only the model's own rounding made equal may differ.
    assert n_equal > 100 and n_parted <= n_equal / 200


def test_sums_do_not_hang_on_their_order():
    rng = np.random.default_rng(0)
    value_N = rng.random(60).astype(np.float32)
    rows = []
    for _ in range(50):
        row_C = np.zeros(300, np.float32)
        row_C[rng.choice(300, 60, replace=False)] = rng.permutation(value_N)
        rows.append(row_C)
    wide = torch.ones(1, 301)
    wide[0, -1] = 0
    sums, _ = SparseProduct(sparse.csr_matrix(np.stack(rows)), largest=5.0)(wide, wide)
    assert len(sums.unique()) == 1
    np.testing.assert_allclose(float(sums[0, 0]), value_N.sum(dtype=np.float64), rtol=2e-7)


def test_half_life_counts_the_last_time_that_an_item_was_taken():
    for make in (EASE, GFCF, IALS, PureSVD, RP3beta, SLIM):
        check_graph(make(history_half_life=1.0).fit(DATA), histories([[4, 8, 4, 12], [4, 4, 4], [8, 12, 4]]))
    model = ItemKNN(history_half_life=1.0, interest="binary").fit(DATA)
    check_graph(model, histories([[4, 8, 4, 12], [4, 4, 4], [8, 12, 4]]))


def test_events_know_repeats():
    history_BH = torch.tensor([[5, 3, 5, -1], [-1, -1, -1, -1]], dtype=torch.int32)
    events = Events.of(history_BH, torch.tensor([[1.0, 2.0, 4.0, 9.0], [9.0, 9.0, 9.0, 9.0]]))
    assert events.last_BH.tolist() == [[0, 1, 1, 0], [0, 0, 0, 0]]
    assert events.total_BH.tolist() == [[5, 2, 5, 0], [0, 0, 0, 0]]
    assert events.times_BH.tolist() == [[2, 1, 2, 0], [0, 0, 0, 0]]
    assert events.n_distinct_B1.tolist() == [[2], [0]]
    assert events.since_BH()[0, :3].tolist() == [2, 1, 0]
    assert events.dense(events.total_BH, 7).tolist() == [[0, 0, 0, 2, 0, 5, 0, 0], [0] * 8]


@pytest.mark.parametrize("largest", [None, 3.0])
def test_sparse_product(largest):
    matrix = sparse.random_array((40, 17), density=0.2, rng=np.random.default_rng(0), format="csr")
    x_BC = np.random.default_rng(1).integers(0, 3, (3, 17)).astype(np.float32)
    wide = [torch.from_numpy(np.pad(a.astype(np.float32), ((0, 0), (0, 1)))) for a in (x_BC, x_BC > 0)]
    sums, counts = SparseProduct(matrix, largest=largest)(*wide)
    np.testing.assert_allclose(sums.numpy(), x_BC @ matrix.toarray().T, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(counts.numpy(), (x_BC > 0) @ (matrix.toarray() > 0).T.astype(int))


def test_ridge_is_the_solution():
    rng = np.random.default_rng(0)
    vector_ID = rng.standard_normal((30, 6)).astype(np.float32)
    base_DD = np.cov(vector_ID.T).astype(np.float32)
    row, weight, target = np.array([[3, 7, 7, 0]]), np.array([[1.0, 2.0, 0.5, 0.0]]), np.ones((1, 4))
    ridge = Ridge(vector_ID, base_DD)
    given = [torch.from_numpy(a) for a in (row, weight.astype(np.float32), target.astype(np.float32))]
    ridge.settle(*given, torch.tensor([[0.3]]), what="the test")
    found_D = ridge(*given, torch.tensor([[0.3]]))[0]
    v_LD, c_L = vector_ID[row[0]].astype(float), weight[0]
    matrix_DD = base_DD + 0.3 * np.eye(6) + (v_LD * c_L[:, None]).T @ v_LD
    expected_D = np.linalg.solve(matrix_DD, v_LD.T @ c_L)
    np.testing.assert_allclose(ridge.vector_ID.numpy() @ found_D.numpy(), vector_ID @ expected_D, atol=2e-5)


def test_a_fold_in_that_no_number_of_steps_solves_is_refused():
    model = FunkSVD(n_epochs=3, embedding_dim=16, regularization=0.0).fit(DATA)
    with pytest.raises(InvalidValue, match="FunkSVD's fold-in must be solved to .* Raise the regularization"):
        express(model)


def test_a_table_that_no_file_holds_is_refused():
    model = EASE(regularization=10.0).fit(DATA)
    model._memory = type("Many", (), {"items": range(30_000)})()
    with pytest.raises(InvalidValue, match=r"at most 1.9 GB on a device. Got 3.6 GB for 30,000 items"):
        express(model)


def test_what_has_no_graph_says_why():
    model = UserKNN().fit(DATA)
    with pytest.raises(InvalidValue, match="histories of everybody in training"):
        express(model)
    machine = FactorizationMachine(n_epochs=1, n_burn_in=0).fit(DATA)
    with pytest.raises(InvalidValue, match="each sample of its parameters fits a stranger's column"):
        express(machine)
    assert set(WHY_NOT) == {"UserKNN", "FactorizationMachine"}
