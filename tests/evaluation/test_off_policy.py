"""Off-policy estimates on logs whose truth is known: unbiased, covered by intervals, refused when empty."""

import numpy as np
import pytest

from recsmith.errors import InvalidValue
from recsmith.evaluation.off_policy import doubly_robust, ips, snips, weights

REWARD_XA = np.array([[0.1, 0.5, 0.9], [0.8, 0.3, 0.2]])  # chance of a reward, by context and action
LOGGING_XA = np.array([[0.6, 0.3, 0.1], [0.2, 0.4, 0.4]])
TARGET_XA = np.array([[0.1, 0.2, 0.7], [0.7, 0.2, 0.1]])
TRUTH = float((TARGET_XA * REWARD_XA).sum(axis=1).mean())


def logged(n, seed):
    rng = np.random.default_rng(seed)
    context = rng.integers(0, 2, n)
    action = (rng.random((n, 1)) > LOGGING_XA[context].cumsum(axis=1)).sum(axis=1)
    reward = (rng.random(n) < REWARD_XA[context, action]).astype(float)
    return context, action, reward


def estimates(n, seed, *, predicted=REWARD_XA, propensity=LOGGING_XA):
    context, action, reward = logged(n, seed)
    given, wanted = propensity[context, action], TARGET_XA[context, action]
    return {
        "ips": ips(reward, given, wanted),
        "snips": snips(reward, given, wanted),
        "dr": doubly_robust(
            reward,
            given,
            wanted,
            predicted_n=predicted[context, action],
            expected_n=(TARGET_XA * predicted).sum(axis=1)[context],
        ),
    }


@pytest.mark.parametrize("name", ["ips", "snips", "dr"])
def test_the_mean_of_many_logs_is_the_truth_and_intervals_cover_it(name):
    found = [estimates(1000, seed)[name] for seed in range(200)]
    values = np.array([one.value for one in found])
    assert values.mean() == pytest.approx(TRUTH, abs=4 * values.std() / np.sqrt(200))
    covered = np.mean([one.low <= TRUTH <= one.high for one in found])
    assert 0.88 <= covered <= 0.99
    # the logging policy's own mean reward is far from it, so there is something to be right about
    assert abs(logged(20_000, 0)[2].mean() - TRUTH) > 0.2


def test_doubly_robust_is_right_when_either_half_is():
    wrong = np.full_like(REWARD_XA, 0.5)
    assert estimates(200_000, 1, predicted=wrong)["dr"].value == pytest.approx(TRUTH, abs=0.01)
    skewed = np.full_like(LOGGING_XA, 1 / 3)
    found = estimates(200_000, 1, propensity=skewed)
    assert found["dr"].value == pytest.approx(TRUTH, abs=0.01)
    assert abs(found["ips"].value - TRUTH) > 0.05


def test_a_good_prediction_narrows_the_interval():
    found = estimates(5_000, 2)
    assert found["dr"].high - found["dr"].low < found["ips"].high - found["ips"].low


def test_the_same_policy_keeps_every_reward():
    reward, chance = np.array([0.0, 1.0, 1.0, 0.0]), np.array([0.5, 0.25, 0.5, 1.0])
    for estimate in (ips(reward, chance, chance), snips(reward, chance, chance)):
        assert estimate.value == 0.5
        assert estimate.effective_n == pytest.approx(4.0)


def test_known_answers():
    reward, given, wanted = np.array([1.0, 0.0]), np.array([0.5, 0.5]), np.array([1.0, 0.0])
    assert ips(reward, given, wanted).value == 1.0
    assert ips(reward, given, wanted, clip=1.0).value == 0.5
    assert snips(reward, given, wanted).value == 1.0
    assert ips(reward, given, wanted).effective_n == 1.0
    assert np.isnan(snips(reward, given, np.zeros(2)).value)


@pytest.mark.parametrize(
    ("reward", "given", "wanted", "name"),
    [
        ([], [], [], "one length"),
        ([1.0], [0.5, 0.5], [1.0], "one length"),
        ([1.0], [0.0], [1.0], "propensity must be above 0"),
        ([1.0], [0.5], [1.5], "target must be between"),
        ([np.nan], [0.5], [1.0], "reward must be finite"),
    ],
)
def test_logs_that_say_nothing_are_refused(reward, given, wanted, name):
    with pytest.raises(InvalidValue, match=name):
        weights(np.array(reward), np.array(given), np.array(wanted), clip=None)
