"""`recsmith tune` as people call it: what it prints, what it refuses, what it leaves."""

import pytest

pytest.importorskip("optuna", reason="the tune extra is not installed")


def test_a_search_and_its_winner(shop, recsmith):
    space = ["--set", "tune.space.model.n_neighbours=[5, 20, 80]"]
    call = ["tune", "shop.toml", *space, "--no-progress", "--no-report"]
    first = recsmith(*call)
    assert first.status == 0, first.err
    assert "ItemKNN by NDCG@10 on validation (3 done)" in first.out
    assert "(recipe's)" in first.out and "recsmith train runs/shop-tuning/best.toml" in first.out
    again = recsmith(*call, "--json")
    assert again.status == 0, again.err
    assert "Going on with 3 trials" in again.err
    found = again.json
    assert found["best"]["NDCG@10"] >= found["own"]["NDCG@10"]
    assert found["trials"] == {"done": 3}
    assert found["own"]["settings"] == {"model.n_neighbours": 20}
    trained = recsmith("train", found["recipe"], "--no-report", "--no-progress")
    assert trained.status == 0, trained.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--timeout", "soon"], "--timeout must be a time such as 90s, 20m or 2h. Got 'soon'"),
        (["--timeout", "0m"], "--timeout must be a time such as"),
        (["--set", "tune.space.model.n_neighbors=[5]"], "Did you mean 'n_neighbours'?"),
        (["--set", "tune.metric=NDCG"], "Did you mean NDCG@10?"),
        (["--out", "runs/shop"], "--out must be a new path, or a tuning to go on with"),
    ],
)
def test_a_wrong_call(shop, recsmith, words, said):
    result = recsmith("tune", "shop.toml", *words)
    assert result.status == 2
    assert said in " ".join(result.err.split())
