"""The moving average: beside a plain loop, across a stop, and with hooks that see it."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the neural extra is not installed")

from recsmith.config import Run  # noqa: E402
from recsmith.errors import InvalidValue  # noqa: E402
from recsmith.training import hooks as hooked  # noqa: E402
from recsmith.training import train  # noqa: E402
from recsmith.training.average import WeightAverage  # noqa: E402

STEPS = 13


class Lines:
    """Batches of x, for a network that should learn the sum of x."""

    batch_size, n_steps = 8, STEPS

    def epoch(self, number, *, start=0):
        x = np.random.default_rng(number).normal(size=(STEPS, 8, 4)).astype(np.float32)
        yield from torch.from_numpy(x[start:])


def fit(run, *hooks, n_epochs=5):
    """Trains a linear map; returns it, and why it ended."""
    torch.manual_seed(1)
    net = torch.nn.Linear(4, 1)
    ended = train(
        net,
        lambda net, x: (net(x).squeeze(-1) - x.sum(-1)).square().mean(),
        Lines(),
        optimizer=torch.optim.Adam(net.parameters(), 1e-2),
        n_epochs=n_epochs,
        run=run,
        hooks=[hooked.LearningCurve(), *hooks],
    )
    return net, ended


class Watch(hooked.Quiet):
    """Notes the weights after every step, or after every epoch."""

    def __init__(self, *, epochs=False):
        self.seen, self._epochs = [], epochs

    def on_step(self, now):
        if now.ends_epoch or not self._epochs:
            self.seen.append([p.detach().numpy().copy() for p in now.net.parameters()])


def averaged(steps, decay):
    """Yields the means after each step, one number at a time."""
    mean = steps[0]
    for t, weights in enumerate(steps, start=1):
        d = min(decay, t / (t + 9))
        mean = [d * m + (1 - d) * w for m, w in zip(mean, weights, strict=True)]
        yield mean


def close(a, b):
    return all(np.allclose(x, y, rtol=1e-4, atol=1e-6) for x, y in zip(a, b, strict=True))


def test_it_is_the_mean_that_a_plain_loop_finds():
    average, before, judged, after = WeightAverage(0.9), Watch(), Watch(epochs=True), Watch(epochs=True)
    net, _ = fit(Run(), before, average, judged, average.back, after)
    means = list(averaged(before.seen, 0.9))
    assert close([p.detach().numpy() for p in net.parameters()], means[-1])
    for epoch in range(5):
        assert close(judged.seen[epoch], means[STEPS * epoch + STEPS - 1]), "hooks in between see the mean"
        assert close(after.seen[epoch], before.seen[STEPS * epoch + STEPS - 1]), (
            "steps go on from the weights"
        )


def test_learning_itself_is_untouched():
    plain, beside = Watch(), Watch()
    average = WeightAverage(0.99)
    fit(Run(), plain)
    fit(Run(), beside, average, average.back)
    assert all(close(a, b) for a, b in zip(plain.seen, beside.seen, strict=True))


@pytest.mark.parametrize("stop", [7, 13, 30])
def test_a_stopped_run_ends_with_the_same_mean(tmp_path, stop):
    def parts():
        average = WeightAverage(0.95)
        return average, average.back, hooked.Checkpoints(every=5)

    whole, _ = fit(Run(), *parts()[:2])
    run = Run(checkpoints=tmp_path)

    class Press(hooked.Quiet):
        def on_step(self, now):
            if now.step == stop:
                now.run.note_interruption()
                return hooked.Stop("a test")
            return None

    fit(run, *parts(), Press())
    gone_on, reason = fit(Run(checkpoints=tmp_path), *parts())
    assert reason == "done"
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), gone_on.parameters(), strict=True))


def test_the_best_weights_are_the_best_mean():
    class Figure(hooked.Quiet):
        def on_step(self, now):
            if now.ends_epoch:
                now.run.log(score=-abs(now.epoch - 2))

    average, judged = WeightAverage(0.9), Watch(epochs=True)
    parts = average, judged, Figure(), hooked.EarlyStopping("score", patience=2), average.back
    net, reason = fit(Run(), *parts, n_epochs=20)
    assert reason == "score best at epoch 3"
    assert close([p.detach().numpy() for p in net.parameters()], judged.seen[2])


@pytest.mark.parametrize("decay", [0, 1, -0.5])
def test_a_decay_that_is_none_is_refused(decay):
    with pytest.raises(InvalidValue, match="decay must be between 0 and 1"):
        WeightAverage(decay)
