"""MMoE and PLE: the contract, gates by hand, each task's probabilities."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the neural extra is not installed")

from recsmith.errors import InvalidValue  # noqa: E402
from recsmith.models import PLE, MMoE  # noqa: E402
from recsmith.nn.gates import GatedExperts, ProgressiveExperts  # noqa: E402
from recsmith.testing import check_recommender, toy  # noqa: E402

SMALL = {"embedding_dim": 4, "n_epochs": 2, "batch_size": 128, "learning_rate": 0.01}
SMALL |= {"expert_dims": (8,), "tower_dims": (4,), "n_experts": 2}


@pytest.mark.parametrize("model", [MMoE, PLE])
def test_contract(model):
    check_recommender(lambda: model(**SMALL, history_length=5))


def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def test_mmoe_is_gates_over_shared_experts():
    net = GatedExperts(5, n_tasks=2, n_experts=3, expert_dims=[4], tower_dims=[])
    x = torch.randn(6, 5)
    for row, logits in zip(x, net(x).detach().numpy(), strict=True):
        experts = np.array([expert(row).detach().numpy() for expert in net.experts])
        for task in range(2):
            mixed = softmax(net.gates[task](row).detach().numpy()) @ experts
            expected = net.towers[task](torch.tensor(mixed, dtype=torch.float32)).item()
            assert logits[task] == pytest.approx(expected, abs=1e-5)


def test_ple_at_one_level_mixes_a_tasks_own_and_the_shared_experts():
    net = ProgressiveExperts(5, n_tasks=2, n_experts=3, n_levels=1, expert_dims=[4], tower_dims=[])
    level = net.levels[0]
    x = torch.randn(6, 5)
    for row, logits in zip(x, net(x).detach().numpy(), strict=True):
        shared = [expert(row).detach().numpy() for expert in level.experts[2]]
        for task in range(2):
            own = [expert(row).detach().numpy() for expert in level.experts[task]]
            mixed = softmax(level.gates[task](row).detach().numpy()) @ np.array(own + shared)
            expected = net.towers[task](torch.tensor(mixed, dtype=torch.float32)).item()
            assert logits[task] == pytest.approx(expected, abs=1e-5)


def test_a_tasks_own_experts_do_not_touch_the_other_at_one_level():
    net = ProgressiveExperts(5, n_tasks=2, n_experts=2, n_levels=1, expert_dims=[4], tower_dims=[3])
    x = torch.randn(6, 5)
    before = net(x).detach()
    for parameter in net.levels[0].experts[0].parameters():
        parameter.data += 1
    after = net(x).detach()
    assert torch.equal(before[:, 1], after[:, 1])
    assert not torch.equal(before[:, 0], after[:, 0])


@pytest.mark.parametrize("model", [MMoE, PLE])
def test_probabilities_of_tasks_are_learnt_and_combined(model):
    data = toy.tastes(n_users=120)
    settings = {
        **SMALL,
        "n_epochs": 40,
        "learning_rate": 0.03,
        "history_length": 10,
        "tasks": {"liked": 4.0, "loved": 5.0},
        "task_weights": {"loved": 3.0},
    }
    fitted = model(**settings).fit(data)
    log = data.interactions
    users, items = data.users.decode(log.user), data.items.decode(log.item)
    found = fitted.task_probabilities(users, items)
    assert list(found) == ["liked", "loved"]
    liked = log.weight >= 4
    assert found["liked"][liked].mean() > found["liked"][~liked].mean() + 0.5
    assert found["loved"].mean() == pytest.approx((log.weight >= 5).mean(), abs=0.1)
    combined = (found["liked"] + 3 * found["loved"]) / 4
    np.testing.assert_allclose(fitted.predict(users, items), combined, rtol=1e-4)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tasks": {}}, "tasks must name at least one"),
        ({"task_weights": {"x": 1.0}}, "task_weights must name tasks, not x"),
        ({"tasks": {"any": 0.0}}, "tasks.any must be a threshold with events on both sides"),
    ],
)
def test_wrong_settings(settings, message):
    with pytest.raises(InvalidValue, match=message):
        MMoE(**settings).fit(toy.tastes())
