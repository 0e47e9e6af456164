"""Bad input of networks on the command line, row by row of the guide: a sentence, 1 or 2, no traceback."""

import pytest

pytest.importorskip("torch", reason="the neural extra is not installed")

from recsmith.models import SASRec

SMALL = "class='SASRec',embedding_dim=4,n_blocks=1,context_length=6,n_epochs=2,batch_size=16"


def trained(recsmith, *edits, out="x"):
    words = [word for edit in edits for word in ("--set", edit)]
    return recsmith("train", "shop.toml", *words, "--out", out, "--no-report")


@pytest.mark.parametrize(
    ("edits", "message"),
    [
        (
            ["model={class='NextItem',activity_groups=[{features=[{name='kinds'}]}]}"],
            "a feature's name must be a column of the data. Got 'kinds'. Did you mean 'kind'?",
        ),
        (
            ["model={class='DCN',item_features=['colour']}"],
            "features must be columns of the data. Got 'colour'. There are: item_id, title, kind.",
        ),
        (
            ["model={class='NextItem',label={vocabulary_size=3}}"],
            "label.vocabulary_size must be at least the number of items, 40. Got 3.",
        ),
        (
            ["model={class='NextItem',label={embedding_dim=0}}"],
            "NextItem.label.embedding_dim must be greater than or equal to 1. Got 0.",
        ),
        (["model={class='TwoTower',embedding_dim=0}"], "TwoTower.embedding_dim must be greater than"),
        (["model={class='NextItm'}"], "Got 'NextItm'. Did you mean 'NextItem'?"),
        (
            [f"model={{{SMALL},min_timeline_length=500}}"],
            "data must be such that some user has min_timeline_length (500) events.",
        ),
        (
            [f"model={{{SMALL}}}", "run.device='cuda'"],
            "device must be there. Got 'cuda'. This machine has no CUDA device: use cpu or auto.",
        ),
        ([f"model={{{SMALL}}}", "run.device='gpu'"], "device must be auto, cpu, cuda or cuda:NUMBER."),
        ([f"model={{{SMALL},patience=0}}"], "SASRec.patience must be greater than or equal to 1. Got 0."),
    ],
)  # fmt: skip
def test_what_cannot_be_is_a_wrong_call(recsmith, shop, monkeypatch, edits, message):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    result = trained(recsmith, *edits)
    assert result.status == 2, result.err
    assert message in result.err
    assert "Traceback" not in result.err
    assert not (shop / "x").exists()


def test_people_with_one_event_and_long_histories_are_no_error(recsmith, shop):
    with (shop / "orders.csv").open("a", encoding="utf-8") as log:
        log.write("1700000000;999;i001;5\n")
    result = trained(recsmith, f"model={{{SMALL.replace('length=6', 'length=2')}}}")
    assert result.status == 0, result.err
    for words in (["--user", "999"], ["--user", "1"], ["--likes", "Film 3 of genre 3"]):
        asked = recsmith("recommend", "--model", "x", *words, "--json")
        assert asked.status == 0, asked.err
        assert len(asked.json["recommendations"]) == 10


def test_a_feature_that_is_no_number_or_empty_is_unknown(recsmith, shop):
    goods = (shop / "goods.csv").read_text(encoding="utf-8").splitlines()
    prices = ["price", *("nan" if row % 3 == 0 else "" if row % 3 == 1 else str(row) for row in range(40))]
    lines = [f"{line},{price}" for line, price in zip(goods, prices, strict=True)]
    (shop / "goods.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    features = "features=[{name='item_id'},{name='price',type='float'}]"
    result = trained(
        recsmith,
        "data.items.features.price='number'",
        f"model={{class='NextItem',n_epochs=1,activity_groups=[{{{features}}}]}}",
    )
    assert result.status == 0, result.err
    assert recsmith("recommend", "--model", "x", "--user", "1", "--json").status == 0


def test_no_room_on_the_device_keeps_what_was_learnt(recsmith, shop, monkeypatch):
    import torch

    right, n_steps = SASRec._loss, 0

    def fails(model, net, batch):
        nonlocal n_steps
        n_steps += 1
        if n_steps > 3:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has …")
        return right(model, net, batch)

    with monkeypatch.context() as patch:
        patch.setattr(SASRec, "_loss", fails)
        result = trained(recsmith, f"model={{{SMALL}}}")
    assert result.status == 1
    assert "step 4 on cpu must fit the memory. Got: CUDA out of memory. Lower batch_size, then" in result.err
    assert "change x/recipe.toml, then: recsmith train --resume x" in result.err
    assert "Traceback" not in result.err
    recipe = shop / "x" / "recipe.toml"
    whole = recipe.read_text(encoding="utf-8")

    recipe.write_text(whole.replace("embedding_dim = 4", "embedding_dim = 8"), encoding="utf-8")
    other = recsmith("train", "--resume", "x", "--no-report")
    assert other.status == 1
    assert "must be of the same architecture." in other.err
    assert "Use the recipe the run began with, or another --out." in other.err

    recipe.write_text(whole.replace("batch_size = 16", "batch_size = 8"), encoding="utf-8")
    assert recsmith("train", "--resume", "x", "--no-report").status == 0


def test_no_room_for_scores_says_what_to_lower(recsmith, shop, monkeypatch):
    assert trained(recsmith, f"model={{{SMALL}}}").status == 0

    def fails(model, histories):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")

    monkeypatch.setattr(SASRec, "_score", fails)
    result = recsmith("recommend", "--model", "x", "--user", "1")
    assert result.status == 1
    assert "the scores of 1 people must fit the memory. Got: can't allocate memory" in result.err
    assert "Lower n_threads" in result.err
