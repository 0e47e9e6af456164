"""Early stopping on what is kept back: the right events, the right figure, the best weights, bit for bit."""

import math

import numpy as np
import pytest

pytest.importorskip("torch", reason="the neural extra is not installed")

from recsmith import Run, leave_last_out
from recsmith.data import Dataset, Interactions, Vocabulary
from recsmith.errors import InvalidValue
from recsmith.evaluation import evaluate
from recsmith.models import DCN, EmbeddingDot, MMoE, MultiTask, NextItem, SASRec, TwoTower
from recsmith.models.neural import validation
from recsmith.models.neural.validation import keep_back, mean_loss, ndcg
from recsmith.testing import toy
from recsmith.training.hooks import LearningCurve

TOY = toy.tastes(n_users=24, n_items=24)
ONE = {"n_threads": 1}
MODELS = {
    "next item": lambda **more: NextItem(label={"embedding_dim": 4}, batch_size=8, **more),
    "towers": lambda **more: TwoTower(output_dim=4, embedding_dim=4, batch_size=64, **more),
    "two heads": lambda **more: MultiTask(output_dim=4, embedding_dim=4, batch_size=64, **more),
    "ranker": lambda **more: DCN(embedding_dim=4, deep_dims=(4,), batch_size=64, **more),
    "tasks": lambda **more: MMoE(embedding_dim=4, expert_dims=(4,), tower_dims=(), batch_size=64, **more),
    "embeddings": lambda **more: EmbeddingDot(embedding_dim=4, batch_size=64, **more),
}


def events(data):
    log = data.interactions
    return set(zip(log.user.tolist(), log.item.tolist(), log.time.tolist(), strict=True))


def test_the_last_event_of_each_person_is_kept_back():
    kept = keep_back(TOY, "last", seed=0)
    split = leave_last_out(TOY)
    left = TOY.with_interactions(kept.held)
    assert events(left) == events(TOY.with_interactions(split.test))
    assert events(kept.learnt) | events(left) == events(TOY)
    assert not events(kept.learnt) & events(left)


def test_a_share_at_random_follows_the_seed():
    one, same, other = (keep_back(TOY, 0.2, seed=seed).place_n for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert abs(len(one) - 0.2 * len(TOY)) <= 2
    assert set(one.tolist()) != set(other.tolist())


def test_what_has_one_event_keeps_it(monkeypatch):
    user, item = np.array([[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [2, 1], [3, 0], [3, 3]]).T
    log = Interactions.from_arrays(user, item, None, np.arange(8) * 1000)
    data = Dataset(log, Vocabulary(range(4)), Vocabulary(range(4)))
    held = keep_back(data, "last", seed=0).held
    assert list(zip(held.user, held.item, strict=True)) == [(1, 1)]  # items 2 and 3, person 2: one event
    with pytest.raises(InvalidValue, match="such that events can be kept back.*Leave patience out"):
        keep_back(data.with_interactions(log.select(np.array([2, 5, 7]))), "last", seed=0)
    monkeypatch.setattr(validation, "MOST_PEOPLE", 5)
    assert len(keep_back(TOY, "last", seed=0).place_n) == 5


@pytest.mark.parametrize("rule", ["last", 0.3])
def test_ndcg_is_that_of_evaluation(rule):
    from recsmith.data import Split

    kept = keep_back(TOY, rule, seed=0)
    model = MODELS["next item"](n_epochs=1).fit(kept.learnt, run=Run(**ONE))
    split = Split(train=kept.learnt, test=kept.held, rule="kept back")
    expected = evaluate(model, split, metrics=["NDCG@10"], n_bootstrap=0)["NDCG@10"].value
    assert ndcg(model, kept, Run(**ONE)) == pytest.approx(expected, abs=1e-6)


def test_a_mean_loss_is_over_examples_and_leaves_the_draws_alone():
    import torch

    net = torch.nn.Linear(1, 1)
    batches = [{"user": torch.zeros(3), "x": 1.0}, {"user": torch.zeros(1), "x": 5.0}]
    drawn = []

    def loss(net, batch):
        drawn.append(float(torch.rand(1)))
        return torch.tensor(batch["x"])

    torch.manual_seed(7)
    before = torch.get_rng_state()
    assert mean_loss(loss, net, batches, Run()) == 2.0
    assert mean_loss(loss, net, batches, Run()) == 2.0
    assert drawn[:2] == drawn[2:]
    assert torch.equal(before, torch.get_rng_state())
    with pytest.raises(InvalidValue, match="some event kept back can be judged"):
        mean_loss(loss, net, [], Run())


@pytest.mark.parametrize("by", ["NDCG@10", "loss"])
@pytest.mark.parametrize("name", MODELS)
def test_every_network_stops_and_keeps_its_best(name, by):
    model = MODELS[name](n_epochs=30, learning_rate=0.05, patience=2, validate_by=by).fit(TOY, run=Run(**ONE))
    curve = [row[f"validation {by}"] for row in model.learning_curve]
    assert all(math.isfinite(value) for value in curve)
    better = max if by == "NDCG@10" else min
    best = curve.index(better(curve))
    assert len(curve) == min(30, best + 3), curve
    kept = keep_back(TOY, model.config.validation, seed=0)
    if by == "NDCG@10":
        found = ndcg(model, kept, Run(**ONE))
    else:
        import torch

        with torch.no_grad():
            found = mean_loss(model._loss, model.net, model._held_out(kept, Run(**ONE)), Run(**ONE))
    assert found == pytest.approx(curve[best], rel=1e-5)


def test_what_is_kept_back_is_not_learnt():
    """The same weights come out of a log without those events, as long as nothing else tells of them."""
    kept = keep_back(TOY, "last", seed=0)
    settings = {"n_epochs": 2, "schedule": "constant"}
    watched = MODELS["next item"](patience=5, **settings).fit(TOY, run=Run(**ONE))
    bare = MODELS["next item"](**settings).fit(kept.learnt, run=Run(**ONE))
    assert [row["loss"] for row in watched.learning_curve] == [row["loss"] for row in bare.learning_curve]


@pytest.mark.parametrize(("by", "average"), [("NDCG@10", None), ("loss", None), ("NDCG@10", 0.9)])
def test_going_on_after_a_stop_changes_no_bit(tmp_path, monkeypatch, by, average):
    def model():
        return SASRec(
            embedding_dim=4, n_blocks=1, context_length=6, batch_size=4, learning_rate=0.05, n_epochs=12,
            patience=2, validate_by=by, weight_average=average,
        )  # fmt: skip

    whole = model().fit(TOY, run=Run(**ONE))

    class Killed(Exception):
        pass

    right = LearningCurve.on_step

    def kill(hook, now):
        answer = right(hook, now)
        if now.step == 2 * now.steps_per_epoch + 2:
            raise Killed
        return answer

    run = {**ONE, "checkpoints": tmp_path, "checkpoint_every": 3}
    with monkeypatch.context() as patch:
        patch.setattr(LearningCurve, "on_step", kill)
        with pytest.raises(Killed):
            model().fit(TOY, run=Run(**run))
    gone_on = model().fit(TOY, run=Run(**run))
    assert gone_on.learning_curve == whole.learning_curve
    for name, tensor in whole.net.state_dict().items():
        np.testing.assert_array_equal(tensor.numpy(), gone_on.net.state_dict()[name].numpy())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"patience": 0}, "SASRec.patience must be greater than or equal to 1. Got 0"),
        (
            {"validation": "first"},
            "SASRec.validation must be 'last', or a share between 0 and 1. Got 'first'",
        ),
        ({"validation": 1.5}, "SASRec.validation must be 'last', or a share between 0 and 1. Got 1.5"),
        ({"validate_by": "MRR"}, "SASRec.validate_by must be 'NDCG@10' or 'loss'. Got 'MRR'"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(InvalidValue) as caught:
        SASRec(**settings)
    assert message in str(caught.value)


def test_a_training_may_end_at_a_step(tmp_path):
    run = Run(**ONE, stop_at_step=3, checkpoints=tmp_path)
    model = MODELS["towers"](n_epochs=5).fit(TOY, run=run)
    assert [path.name for path in tmp_path.iterdir()] == ["step-000000003"]
    assert len(model.recommend(TOY.users.decode([0]), k=3)) == 1
