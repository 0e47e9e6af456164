"""evaluate: whole runs against loops, streaming, intervals, who is left out, what is refused."""

import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy import sparse

from recsmith.config import Run
from recsmith.data import Vocabulary, hold_out_users, leave_last_out
from recsmith.errors import InvalidValue
from recsmith.evaluation import evaluate
from recsmith.evaluation.metrics import RankingMetric
from recsmith.models import scoring
from recsmith.models.baseline import Popular
from recsmith.testing.toy import checkerboard, tastes

LISTED = [
    "NDCG@5",
    "HitRate@3",
    "Recall@10",
    "MRR@10",
    "MAP@4",
    "Novelty@5",
    "LongTail@5",
    "Coverage@3",
    "Gini@3",
]
RATED = ["RMSE", "MAE", "Pearson", "Spearman", "Kendall"]


def lists_plainly(split, score_UI, k):
    """Each test user's list by sorting, seen items left out, ties by item code."""
    lists = {}
    for user in split.test_users():
        seen = set(split.train.interactions.item[split.train.interactions.user == user].tolist())
        order = sorted(range(split.train.n_items), key=lambda item: (-score_UI[user, item], item))
        lists[int(user)] = [item for item in order if item not in seen][:k]
    return lists


def test_ranking_figures_equal_loops(make):
    split, score_UI = make.random_split()
    lists = lists_plainly(split, np.round(score_UI, 1), 10)  # rounded: many ties
    found = evaluate(make.fixed(split, np.round(score_UI, 1)), split, metrics=LISTED, n_bootstrap=0)
    held = {u: set(split.test.item[split.test.user == u].tolist()) for u in lists}
    recall = np.mean([len(held[u] & set(lists[u])) / len(held[u]) for u in lists])
    mrr = np.mean([next((1 / r for r, i in enumerate(lists[u], 1) if i in held[u]), 0) for u in lists])
    hit = np.mean([bool(held[u] & set(lists[u][:3])) for u in lists])
    listed = {item for items in lists.values() for item in items[:3]}
    assert found["Recall@10"].value == pytest.approx(recall)
    assert found["MRR@10"].value == pytest.approx(mrr)
    assert found["HitRate@3"].value == pytest.approx(hit)
    assert found["Coverage@3"].value == pytest.approx(len(listed) / split.train.n_items)
    assert found["Recall@10"].n_users == len(lists)


def test_rating_figures_are_over_all_test_ratings(make):
    split, score_UI = make.random_split()
    predicted_UI = 1 + 4 * score_UI
    found = evaluate(make.fixed(split, predicted_UI, ratings=True), split, metrics=RATED, n_bootstrap=0)
    error = split.test.weight - predicted_UI[split.test.user, split.test.item].astype(float)
    assert found["RMSE"].value == pytest.approx(math.sqrt(np.mean(error**2)))
    assert found["MAE"].value == pytest.approx(np.mean(np.abs(error)))
    assert found["Pearson"].n_users < found["RMSE"].n_users == len(split.test_users())


def test_streaming_in_blocks_and_threads_changes_nothing(make, monkeypatch):
    split, score_UI = make.random_split()
    model = make.fixed(split, 1 + 4 * score_UI, ratings=True)
    whole = evaluate(model, split, metrics=LISTED + RATED, n_bootstrap=50)
    monkeypatch.setattr(scoring, "_BLOCK_BYTES", 3 * 4 * split.train.n_items)  # three users a block
    monkeypatch.setattr("recsmith.evaluation.events._ROWS", 4)
    for threads in (1, 3):
        parts = evaluate(model, split, metrics=LISTED + RATED, n_bootstrap=50, run=Run(n_threads=threads))
        assert parts.to_dict() == whole.to_dict()
        assert parts.users.equals(whole.users)
        assert parts.findings == whole.findings


def test_no_block_scores_more_than_its_share_of_memory(make, monkeypatch):
    split, score_UI = make.random_split()
    model, sizes = make.fixed(split, score_UI), []
    plain = type(model)._score
    monkeypatch.setattr(type(model), "_score", lambda self, h: sizes.append(len(h)) or plain(self, h))
    monkeypatch.setattr(scoring, "_BLOCK_BYTES", 7 * 4 * split.train.n_items)
    evaluate(model, split, metrics=["NDCG@10", "Coverage@10"], n_bootstrap=10)
    assert max(sizes) == 7


def test_a_model_that_knows_the_answer_gets_full_marks():
    split = leave_last_out(checkerboard(12))
    n = split.train.n_items

    class Oracle(Popular):
        def _score(self, histories):
            score = np.zeros((len(histories), n), np.float32)
            held = dict(zip(split.test.user.tolist(), split.test.item.tolist()))
            for row, user in enumerate(histories.user.tolist()):
                score[row, held[user]] = 1
            return score

    found = evaluate(Oracle().fit(split.train), split, metrics=["NDCG@10", "HitRate@1", "MRR@5", "MAP@5"])
    assert [(f.value, f.low, f.high) for f in found.figures] == [(1, 1, 1)] * 4


def test_intervals_hold_the_value_and_are_the_same_again(make):
    split, score_UI = make.random_split()
    model = make.fixed(split, 1 + 4 * score_UI, ratings=True)
    first = evaluate(model, split, metrics=["NDCG@10", "RMSE", "Novelty@10"], seed=3)
    for figure in first.figures:
        assert figure.low < figure.value < figure.high
    again = evaluate(model, split, metrics=["NDCG@10", "RMSE", "Novelty@10"], seed=3)
    assert first.to_dict() == again.to_dict()
    other = evaluate(model, split, metrics=["NDCG@10", "RMSE", "Novelty@10"], seed=4)
    assert first.to_dict() != other.to_dict()


def test_catalogue_metrics_and_no_bootstrap_have_no_interval(make):
    split, score_UI = make.random_split()
    found = evaluate(make.fixed(split, score_UI), split, metrics=["Coverage@10", "NDCG@10"], n_bootstrap=0)
    assert [(f.low, f.high) for f in found.figures] == [(None, None), (None, None)]
    found = evaluate(make.fixed(split, score_UI), split, metrics=["Coverage@10", "Gini@10"])
    assert [(f.low, f.high) for f in found.figures] == [(None, None), (None, None)]


def test_users_without_anything_relevant_are_left_out_and_counted(make):
    train = [(0, 0, 5, 0), (1, 1, 5, 0), (2, 2, 5, 0), (3, 3, 5, 0)]
    test = [(0, 1, 5, 1), (1, 2, 2, 1), (2, 2, 5, 1)]  # user 1 did not like it, user 2 had it before
    split = make.split_of(train, test, 4, 5)
    found = evaluate(
        make.fixed(split, np.zeros((4, 5))), split, metrics=["HitRate@2", "Coverage@2"], relevant_from=4
    )
    assert found.left_out == {
        "no test event": 1,
        "no test event with a weight of 4 or more": 1,
        "every relevant test item was seen before": 1,
    }
    assert found["HitRate@2"].n_users == 1
    assert found.users["HitRate@2"].to_list() == [1.0, None, None]
    assert found.users["user_id"].to_list() == [0, 1, 2]


def test_an_item_seen_before_counts_where_seen_items_are_listed(make):
    split = make.split_of([(0, 0, 5, 0), (0, 1, 5, 0)], [(0, 0, 5, 1)], 1, 3)
    model = make.fixed(split, [[3, 2, 1]])
    assert evaluate(model, split, metrics=["HitRate@1"], exclude_seen=False)["HitRate@1"].value == 1
    assert math.isnan(evaluate(model, split, metrics=["HitRate@1"])["HitRate@1"].value)


def test_a_weight_of_zero_is_not_relevant_unless_asked(make):
    split = make.split_of([(0, 0, 1, 0)], [(0, 1, 0, 1), (0, 2, 1, 1)], 1, 3)
    model = make.fixed(split, [[0, 2, 1]])
    assert evaluate(model, split, metrics=["HitRate@1"])["HitRate@1"].value == 0
    assert evaluate(model, split, metrics=["HitRate@1"], relevant_from=0)["HitRate@1"].value == 1


def test_k_larger_than_the_catalogue(make):
    split, score_UI = make.random_split(n_items=14)
    found = evaluate(
        make.fixed(split, score_UI), split, metrics=["Recall@500", "Precision@500", "Coverage@500"]
    )
    assert found["Recall@500"].value == 1
    assert found["Coverage@500"].value == 1
    assert 0 < found["Precision@500"].value < 5 / 500


def test_one_user_and_one_item(make):
    split = make.split_of([(0, 0, 3, 0), (1, 1, 3, 0)], [(0, 1, 3, 1)], 2, 2)
    found = evaluate(
        make.fixed(split, np.ones((2, 2))), split, metrics=["NDCG@10", "Novelty@10", "Diversity@10"]
    )
    assert found["NDCG@10"].value == found["NDCG@10"].low == found["NDCG@10"].high == 1
    assert math.isnan(found["Diversity@10"].value)  # a list of one has no pairs
    assert found.to_dict()["Diversity@10"] == {"value": None, "low": None, "high": None, "n_users": 0}


def test_held_out_users_are_strangers_with_their_fold_in(make):
    split = hold_out_users(tastes(), fraction=0.3)
    found = evaluate(Popular().fit(split.train), split, metrics=["Recall@10"])
    assert found["Recall@10"].n_users == len(split.test_users()) == 18
    assert found["Recall@10"].value > 0
    assert not found.leaks


def test_auc_of_ratings_and_of_scores_is_the_same_where_both_are_the_table(make):
    split, score_UI = make.random_split()
    by_score = evaluate(make.fixed(split, score_UI), split, metrics=["AUC"], relevant_from=4)
    by_rating = evaluate(make.fixed(split, score_UI, ratings=True), split, metrics=["AUC"], relevant_from=4)
    assert by_score["AUC"] == by_rating["AUC"]
    liked = split.test.weight >= 4
    score = score_UI[split.test.user, split.test.item]
    pairs = score[liked][:, None] - score[~liked][None, :]
    assert by_score["AUC"].value == pytest.approx((pairs > 0).mean())
    assert by_score["AUC"].low < by_score["AUC"].value < by_score["AUC"].high


def test_log_loss_of_probabilities(make):
    split, score_UI = make.random_split()
    found = evaluate(make.fixed(split, score_UI, ratings=True), split, metrics=["LogLoss"], relevant_from=4)
    p, y = score_UI[split.test.user, split.test.item].astype(float), split.test.weight >= 4
    assert found["LogLoss"].value == pytest.approx(-np.mean(np.where(y, np.log(p), np.log(1 - p))))


def test_diversity_says_what_it_compares(make):
    split = leave_last_out(tastes())
    model = Popular().fit(split.train)
    by_genre = evaluate(model, split, metrics=["Diversity@10"])
    assert "Diversity compares items by item features (genres)." in by_genre.notes
    given = sparse.eye_array(split.train.n_items).tocsr()
    assert evaluate(model, split, metrics=["Diversity@10"], item_vectors=given)["Diversity@10"].value == 1
    bare, score_UI = make.random_split()
    noted = evaluate(make.fixed(bare, score_UI), bare, metrics=["Diversity@10"]).notes
    assert noted == ("Diversity compares items by the train users who had each item.",)


def test_a_metric_from_outside_is_one_class(make):
    class FirstIsEven(RankingMetric):
        """Whether the first item has an even code."""

        def per_user(self, lists):
            return (lists.item_BK[:, 0] % 2 == 0).astype(float)

    split, score_UI = make.random_split()
    found = evaluate(make.fixed(split, score_UI), split, metrics=[FirstIsEven(1), "NDCG@10"])
    assert found.names == ["FirstIsEven@1", "NDCG@10"]
    first = [items[0] % 2 == 0 for items in lists_plainly(split, score_UI, 1).values()]
    assert found["FirstIsEven@1"].value == pytest.approx(np.mean(first))


def test_what_is_refused(make):
    split, score_UI = make.random_split()
    model = make.fixed(split, score_UI)
    with pytest.raises(
        InvalidValue, match=r"predicts ratings \(PredictsRatings\), for RMSE, MAE. Got Fixed. Ask"
    ):
        evaluate(model, split, metrics=["NDCG@10", "RMSE", "MAE"])
    with pytest.raises(InvalidValue, match="Did you mean NDCG@10"):
        evaluate(model, split, metrics=["nDCG@10"])
    with pytest.raises(InvalidValue, match="relevant_from= sets the weight"):
        evaluate(model, split, metrics=["AUC"])
    with pytest.raises(InvalidValue, match="probabilities"):
        evaluate(make.fixed(split, 5 * score_UI, ratings=True), split, metrics=["LogLoss"], relevant_from=4)
    with pytest.raises(InvalidValue, match="finite numbers. Got 1 that are not"):
        broken = score_UI.copy()
        broken[split.test.user[0], split.test.item[0]] = np.nan
        evaluate(make.fixed(split, broken, ratings=True), split, metrics=["RMSE"])
    with pytest.raises(InvalidValue, match="n_bootstrap"):
        evaluate(model, split, n_bootstrap=-1)
    with pytest.raises(InvalidValue, match="item_vectors must be 40 rows"):
        evaluate(model, split, metrics=["Diversity@3"], item_vectors=np.ones((3, 3)))
    other, _ = make.random_split(n_items=41)
    with pytest.raises(InvalidValue, match="fitted on this split's items. Got 40 items in the model, 41 in"):
        evaluate(model, other)
    empty = make.split_of([(0, 0, 1, 0)], [], 1, 1)
    with pytest.raises(InvalidValue, match="split must be one with test events"):
        evaluate(make.fixed(empty, [[1]]), empty)


def test_progress_goes_to_standard_error_only_when_asked(make, capsys):
    split, score_UI = make.random_split()
    model = make.fixed(split, 1 + score_UI, ratings=True)
    evaluate(model, split, metrics=["NDCG@10", "RMSE"])
    assert capsys.readouterr() == ("", "")
    evaluate(model, split, metrics=["NDCG@10", "RMSE"], run=Run(progress=True))
    out, err = capsys.readouterr()
    assert out == ""
    assert "Evaluating" in err
    assert "Predicting" in err


def test_with_many_users_diversity_compares_by_a_sample_of_them(make, monkeypatch):
    split, score_UI = make.random_split()
    exact = evaluate(make.fixed(split, score_UI), split, metrics=["Diversity@10"])
    monkeypatch.setattr("recsmith.evaluation.item_vectors.MOST_USERS", 50)
    drawn = evaluate(make.fixed(split, score_UI), split, metrics=["Diversity@10"])
    assert drawn.notes == ("Diversity compares items by which of 50 sampled train users had each item.",)
    assert drawn["Diversity@10"].value == pytest.approx(exact["Diversity@10"].value, abs=0.05)
    again = evaluate(make.fixed(split, score_UI), split, metrics=["Diversity@10"])
    assert again.to_dict() == drawn.to_dict()


def test_a_model_that_knows_nobody_by_id_is_judged_on_strangers(make):
    split, score_UI = make.random_split()
    model = make.fixed(split, score_UI)
    whole = evaluate(model, split, n_bootstrap=0)
    model._memory = replace(
        model.memory,
        users=Vocabulary(pl.Series([], dtype=pl.Int64)),
        people=pl.DataFrame({"user_id": pl.Series([], dtype=pl.Int64)}),
        histories=model.memory.histories.take(np.zeros(0, np.int64)),
    )
    assert evaluate(model, split, n_bootstrap=0)["NDCG@10"].value == whole["NDCG@10"].value
