"""Blend: contract, comparable scores, cold items filled in, weights learned, saved, forgotten, explained."""

import numpy as np
import pytest

from recsmith import Run, evaluate, random_holdout
from recsmith.data import Dataset, Histories, Interactions
from recsmith.errors import InvalidValue
from recsmith.models import EASE, IALS, Blend, Pipeline, Popular, TfIdfContent, load
from recsmith.models.pipeline.blend_weights import _best, _most_likely
from recsmith.models.pipeline.comparable import comparable
from recsmith.testing import check_recommender, toy

EASES, CONTENT = {"class": "EASE", "regularization": 10.0}, {"class": "TfIdfContent"}
KNN = {"class": "ItemKNN", "n_neighbours": 5}
FACTORS = {"class": "IALS", "embedding_dim": 4, "n_epochs": 2}


@pytest.mark.parametrize(
    "settings",
    [
        {"members": (EASES, KNN, CONTENT), "weights": (1.0, 2.0, 1.0)},
        {"members": (EASES, KNN, CONTENT), "scale": "rank", "weights": (1.0, 2.0, 1.0)},
        {"members": (FACTORS, {"class": "Popular"})},
        {"members": (KNN, CONTENT), "scale": "rank", "validation": "last"},
    ],
    ids=str,
)
def test_contract(settings):
    check_recommender(lambda: Blend(**settings))


def rows(*histories):
    return Histories(
        np.cumsum([0, *map(len, histories)]),
        np.concatenate(histories).astype(np.int32),
        np.ones(sum(map(len, histories)), np.float32),
        np.full(len(histories), -1, np.int32),
    )


def test_standard_scores_by_hand():
    # Item 0 is seen, item 4 unknown: of 1, 2, 3 the mean is 2 and the deviation √(2/3).
    score_BI = np.array([[9, 1, 2, 3, -np.inf], [-np.inf] * 5], np.float32)
    scaled = comparable(score_BI, rows([0], [1]), scale="standard")
    step = np.sqrt(1.5)
    assert scaled.score_BI[0] == pytest.approx([7 * step, -step, 0, step, -step])
    assert scaled.score_BI[1].tolist() == [0] * 5 and not scaled.known_BI[1].any()
    assert scaled.known_BI[0].tolist() == [True] * 4 + [False]


def test_ranks_by_hand():
    # Unseen and known are 1, 2, 2, 3: each beats those below it, and half of its equals.
    score_BI = np.array([[9, 1, 2, 2, 3, -np.inf]], np.float32)
    ranked = comparable(score_BI, rows([0]), scale="rank")
    assert ranked.score_BI[0] == pytest.approx([1, 0.125, 0.5, 0.5, 0.875, 0])


@pytest.mark.parametrize("scale", ["standard", "rank"])
def test_a_scale_takes_no_notice_of_units(scale):
    rng = np.random.default_rng(0)
    score_BI = rng.normal(size=(3, 20)).astype(np.float32)
    histories = rows([1, 2], [3], [4, 5, 6])
    one = comparable(score_BI, histories, scale=scale).score_BI
    other = comparable(1000 * score_BI + 7, histories, scale=scale).score_BI
    np.testing.assert_allclose(one, other, atol=1e-3)
    flat = comparable(np.full((1, 5), 0.3, np.float32), rows([0]), scale=scale).score_BI[0]
    assert len(set(flat.tolist())) == 1  # alike stays alike


def test_it_is_the_weighted_sum():
    data = toy.tastes()
    model = Blend(members=(EASES, {"class": "Popular"}), weights=(3.0, 1.0)).fit(data)
    some = data.histories(np.arange(7))
    parts = [
        comparable(np.asarray(one.fit(data)._score(some)), some, scale="standard").score_BI
        for one in (EASE(regularization=10.0), Popular())
    ]
    taken = model.memory.popularity > 0
    np.testing.assert_allclose(
        model._score(some)[:, taken], (0.75 * parts[0] + 0.25 * parts[1])[:, taken], rtol=1e-4, atol=1e-5
    )
    assert model.weight_M.tolist() == [0.75, 0.25]


def test_content_fills_in_for_items_that_nobody_took():
    data = toy.tastes()
    cold = data.items.ids.to_list()[-2:]
    person = [1]  # likes genre 0; i038 is of genre 2, i039 of genre 3
    alone = EASE(regularization=10.0).fit(data)
    assert np.isneginf(alone.score(person, cold)).all()
    model = Blend(members=(EASES, CONTENT), weights=(4.0, 1.0)).fit(data)
    content = TfIdfContent().fit(data)
    some = data.histories(np.array([0]))
    mine = comparable(np.asarray(content._score(some)), some, scale="standard").score_BI[0, -2:]
    np.testing.assert_allclose(model.score(person, cold)[0], mine, rtol=1e-4)  # its word alone, in full
    fan = data.items.decode(np.arange(2, 38, 4, dtype=np.int32))  # of everything of genre 2
    assert model.recommend(histories=[fan], k=1).item_ids == ((cold[0],),)
    silent = Blend(members=(EASES, KNN), weights=(1.0, 1.0)).fit(data)
    assert np.isneginf(silent.score(person, cold)).all()


def test_a_member_that_knows_nothing_gets_no_weight():
    """Popularity tells nothing where all items are taken as often; tastes tell everything."""
    data = toy.tastes(n_users=80)
    model = Blend(members=({"class": "Popular"}, EASES)).fit(data)
    assert model.weight_M[1] > 0.9 and model.weight_M.sum() == pytest.approx(1)
    split = random_holdout(data, per_user=True, seed=5)
    scores = [
        evaluate(one.fit(split.train), split, metrics=["NDCG@10"], n_bootstrap=0)["NDCG@10"].value
        for one in (Blend(members=({"class": "Popular"}, EASES)), Popular())
    ]
    assert scores[0] > scores[1]


def test_weights_are_the_most_likely():
    """Found on a grid: w_2 is bound to 0, where its best would be below."""
    rng = np.random.default_rng(0)
    score_nCM = rng.normal(size=(200, 20, 2)).astype(np.float32)
    score_nCM[:, 0, 0] += 1.0
    score_nCM[:, 0, 1] -= 0.5
    allowed_nC = rng.random((200, 20)) < 0.9
    allowed_nC[:, 0] = True

    def likelihood(w):
        total = np.where(allowed_nC, score_nCM @ np.array(w), -np.inf)
        return float((total[:, 0] - np.log(np.exp(total).sum(1))).mean()) - 1e-3 * (w[0] ** 2 + w[1] ** 2)

    found = _most_likely(score_nCM, allowed_nC)
    best = max(likelihood((a, b)) for a in np.linspace(0.5, 2, 61) for b in (0.0, 0.05, 0.2))
    assert found[1] == 0 and likelihood(found) >= best - 1e-6


def test_likely_weights_yield_to_a_better_order():
    # Three events, their item first. Member 0 has each of them on top, member 1 only by the first weights.
    score_nCM = np.array(
        [[[2, 0], [1, 1], [0, 2]], [[2, 2], [1, 1], [0, 0]], [[2, 0], [1, 3], [0, 3]]], float
    )
    allowed_nC = np.ones((3, 3), bool)
    assert _best(score_nCM, allowed_nC, np.array([0.1, 0.9])).tolist() == [1, 0]
    assert _best(score_nCM, allowed_nC, np.array([0.9, 0.1])).tolist() == [0.9, 0.1]  # as good: it stays
    nobody_nC = np.array([[True, False, False]] * 3)  # nothing to be before
    assert _best(score_nCM, nobody_nC, np.array([0.1, 0.9])).tolist() == [0.1, 0.9]


def test_learned_weights_are_the_same_on_any_number_of_threads_and_survive_saving(tmp_path):
    data = toy.tastes()
    one, other = (Blend(members=(EASES, KNN)).fit(data, run=Run(n_threads=n)) for n in (1, 3))
    np.testing.assert_array_equal(one.weight_M, other.weight_M)
    one.save(tmp_path / "blend")
    again = load(tmp_path / "blend")
    np.testing.assert_array_equal(one.weight_M, again.weight_M)


@pytest.mark.parametrize("scale", ["standard", "rank"])
def test_reasons_are_the_members(scale):
    data = toy.tastes()
    model = Blend(members=(EASES, CONTENT), weights=(1.0, 1.0), scale=scale).fit(data)
    lists = model.recommend([3], k=3)
    for told, score in zip(model.explain_list(3, lists.item_ids[0], k=50), lists.scores[0], strict=True):
        assert told.score == pytest.approx(score, rel=1e-4)
        assert told.because and all(reason.weight > 0 for reason in told.because)


@pytest.mark.parametrize("kind", [Blend, Pipeline])
def test_forgetting_reaches_the_members(kind):
    parts = (
        {"members": (FACTORS, EASES), "weights": (1.0, 1.0)}
        if kind is Blend
        else {"retriever": FACTORS, "ranker": EASES}
    )
    model = kind(**parts).fit(toy.tastes())
    factors = next(part for part in model.parts.values() if isinstance(part, IALS))
    assert factors.user_UD[4].any()
    model.forget([5])
    assert not factors.user_UD[4].any()
    assert factors.memory is model.memory


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"members": (EASES,)}, "Blend.members must be .* at least 2 items"),
        (
            {"members": (EASES, {"class": "IALZ"})},
            r"members\[1\].class must be one of .* Did you mean 'IALS'",
        ),
        ({"members": (EASES, {"class": "Blend"})}, r"members\[1\].class must be one of"),
        ({"members": (EASES, KNN), "weights": (1.0,)}, "weights for 2 members, one each"),
        ({"members": (EASES, KNN), "weights": (0.0, 0.0)}, "weights of 0 or more, one above 0"),
        ({"members": (EASES, KNN), "validation": 1.5}, "validation 'last' or above 0 and below 1"),
    ],
)
def test_wrong_settings(settings, message):
    with pytest.raises(InvalidValue, match=message):
        Blend(**settings).fit(toy.tastes())


def test_nothing_to_keep_back_is_said():
    data = toy.tastes()
    one_each = np.unique(data.interactions.user, return_index=True)[1]
    few = Dataset(
        Interactions.from_arrays(data.interactions.user[one_each], data.interactions.item[one_each]),
        data.users,
        data.items,
    )
    with pytest.raises(InvalidValue, match="events can be kept back to learn weights.* Give the weights"):
        Blend(members=(EASES, KNN)).fit(few)
