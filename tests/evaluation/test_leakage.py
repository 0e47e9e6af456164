"""Leak checks: each finds what was planted, and nothing on a clean split."""

import pytest

from recsmith.data import by_time, hold_out_users, leave_last_out, random_holdout
from recsmith.evaluation import check_model, check_split, evaluate
from recsmith.models.baseline import Popular
from recsmith.testing.toy import checkerboard, tastes


def kinds(findings):
    return {finding.check: (finding.kind, finding.count) for finding in findings}


@pytest.mark.parametrize("split_by", [leave_last_out, hold_out_users])
def test_the_house_splits_have_no_leak(split_by):
    split = split_by(tastes())
    assert [f for f in check_split(split) if f.kind == "leak"] == []
    assert check_model(Popular().fit(split.train), split) == ()


def test_a_split_at_one_instant_has_nobodys_future_in_train():
    found = kinds(check_split(by_time(checkerboard(), fraction=0.2)))
    assert "future in train" not in found
    assert "other people's future in train" not in found


def test_a_random_split_is_noted_not_blamed():
    found = kinds(check_split(random_holdout(tastes(), fraction=0.2)))
    assert found["future in train"][0] == "note"


def test_future_in_train_of_a_split_that_promises_time_order(make):
    split = make.split_of(
        [(0, 0, 1, 5), (1, 0, 1, 1)], [(0, 1, 1, 4), (1, 1, 1, 2)], 2, 2, chronological=True
    )
    assert kinds(check_split(split))["future in train"] == ("leak", 1)


def test_equal_times_are_no_future(make):
    split = make.split_of([(0, 0, 1, 5)], [(0, 1, 1, 5)], 1, 2, chronological=True)
    assert "future in train" not in kinds(check_split(split))


def test_test_pairs_also_in_train(make):
    split = make.split_of([(0, 0, 1, 0), (1, 1, 1, 0)], [(0, 0, 1, 1), (1, 0, 1, 1)], 2, 2)
    assert kinds(check_split(split))["test events also in train"] == ("leak", 1)


def test_strangers_and_unseen_items(make):
    split = make.split_of([(0, 0, 1, 0)], [(0, 1, 1, 1), (1, 2, 1, 1)], 2, 3)
    found = kinds(check_split(split))
    assert found["test users without history"] == ("note", 1)
    assert found["test items unseen in train"] == ("note", 2)


def test_held_out_users_in_train(make):
    rows = [(0, 0, 1, 0), (1, 0, 1, 0)]
    fold_in = make.dataset([(1, 1, 1, 1)], 2, 3).interactions
    split = make.split_of(rows, [(1, 2, 1, 2)], 2, 3, fold_in=fold_in)
    assert kinds(check_split(split))["held-out users in train"] == ("leak", 1)


def test_a_model_fitted_on_the_test_is_found_out_and_the_evaluation_says_so():
    data = checkerboard()
    split = leave_last_out(data)
    cheat = Popular().fit(data)
    assert kinds(check_model(cheat, split)) == {"test events in training": ("leak", len(split.test))}
    found = evaluate(cheat, split, metrics=["NDCG@10"])
    assert [leak.check for leak in found.leaks] == ["test events in training"]
    assert "its figures mean nothing" in str(found.leaks[0])


def test_logs_without_times(make):
    split = make.split_of([(0, 0, 1, 0)], [(0, 1, 1, 1)], 1, 2)
    import dataclasses

    bare = dataclasses.replace(split.train.interactions, time=None)
    timeless = dataclasses.replace(split, train=split.train.with_interactions(bare))
    assert kinds(check_split(timeless)) == {"test items unseen in train": ("note", 1)}
