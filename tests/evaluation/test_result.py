"""Evaluation: what it hands out, and that saving and loading lose nothing."""

import json

import pytest
from rich.console import Console

from recsmith.errors import DataError, InvalidValue
from recsmith.evaluation import Evaluation, compare, evaluate


@pytest.fixture
def found(make):
    split, score_UI = make.random_split()
    model = make.fixed(split, 1 + 4 * score_UI, ratings=True)
    return evaluate(
        model,
        split,
        metrics=["NDCG@10", "RMSE", "Coverage@10", "Diversity@1", "AUC"],
        n_bootstrap=100,
        relevant_from=4,
    )


def test_figures_by_name(found):
    assert found["RMSE"].higher_is_better is False
    assert found.names == ["NDCG@10", "RMSE", "Coverage@10", "Diversity@1", "AUC"]
    with pytest.raises(InvalidValue, match="Did you mean 'NDCG@10'"):
        found["NDCG@1O"]


def test_the_dictionary_is_the_shape_of_metrics_json(found):
    told = found.to_dict()
    assert set(told["NDCG@10"]) == {"value", "low", "high", "n_users"}
    assert told["Coverage@10"]["low"] is None
    assert told["Diversity@1"] == {"value": None, "low": None, "high": None, "n_users": 0}
    frame = found.to_frame()
    assert frame.columns == ["metric", "value", "low", "high", "n_users"]
    assert frame["value"].null_count() == 1


def test_per_user_values_are_kept(found):
    assert found.users.columns == ["user_id", "n_ratings", "NDCG@10", "RMSE", "Diversity@1"]
    assert found.users["NDCG@10"].mean() == pytest.approx(found["NDCG@10"].value)


def test_saving_and_loading_lose_nothing(found, tmp_path):
    found.save(tmp_path / "run")
    assert json.loads((tmp_path / "run" / "metrics.json").read_text()) == found.to_dict()
    back = Evaluation.load(tmp_path / "run")
    assert back.to_dict() == found.to_dict()
    assert back.users.equals(found.users)
    for name in (
        "model",
        "split_rule",
        "protocol",
        "fingerprint",
        "left_out",
        "notes",
        "findings",
        "seed",
        "replicates",
    ):
        assert getattr(back, name) == getattr(found, name), name
    assert compare([back, found], metrics=["RMSE"]).differences[0].difference == 0
    found.save(tmp_path / "run")  # again, over what is there
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        "evaluation.json", "metrics.json", "per_user.parquet",
    ]  # fmt: skip


def test_a_folder_without_an_evaluation(found, tmp_path):
    with pytest.raises(DataError, match=r"must hold an evaluation. Got no evaluation.json"):
        Evaluation.load(tmp_path)
    found.save(tmp_path)
    (tmp_path / "per_user.parquet").unlink()
    with pytest.raises(DataError, match=r"must hold an evaluation. Got no per_user.parquet"):
        Evaluation.load(tmp_path)
    found.save(tmp_path)
    text = (tmp_path / "evaluation.json").read_text()
    (tmp_path / "evaluation.json").write_text(text[: len(text) // 2])
    with pytest.raises(DataError, match="damaged"):
        Evaluation.load(tmp_path)
    (tmp_path / "evaluation.json").write_text(text.replace('"format": 1', '"format": 2'))
    with pytest.raises(InvalidValue, match="format must be 1. Got"):
        Evaluation.load(tmp_path)
    (tmp_path / "evaluation.json").write_text(text.replace('"protocol"', '"protokoll"'))
    with pytest.raises(DataError, match="Got evaluation.json altered: KeyError"):
        Evaluation.load(tmp_path)


def test_the_table_for_a_terminal(found):
    console = Console(width=90, record=True)
    console.print(found)
    text = console.export_text()
    assert "NDCG@10" in text
    assert "95 % interval" in text
    assert "Full ranking over all items not seen in training." in text
    assert repr(found).startswith("Evaluation(FixedRatings(): NDCG@10 0.")
