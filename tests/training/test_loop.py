"""The loop: it learns, it obeys hooks, and it goes on from a checkpoint bit for bit."""

import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the neural extra is not installed")

from recsmith.config import Run  # noqa: E402
from recsmith.errors import InvalidValue, ModelFileError, OutOfMemory  # noqa: E402
from recsmith.training import Stop, checkpoint, train  # noqa: E402
from recsmith.training import hooks as hooked  # noqa: E402
from recsmith.training.device import resolve, to_device  # noqa: E402


class Lines:
    """Batches of x, for a network that should learn the sum of x."""

    batch_size = 8
    n_steps = 13

    def epoch(self, number, *, start=0):
        x = np.random.default_rng(number).normal(size=(self.n_steps, 8, 4)).astype(np.float32)
        for step in range(start, self.n_steps):
            yield torch.tensor(x[step])


def loss(net, x):
    return (net(x).squeeze(-1) - x.sum(-1)).square().mean()


def fit(run, *hooks, n_epochs=5, width=8, optimizer=torch.optim.Adam):
    torch.manual_seed(1)
    net = torch.nn.Sequential(
        torch.nn.Linear(4, width), torch.nn.Dropout(0.3), torch.nn.ReLU(), torch.nn.Linear(width, 1)
    )
    reason = train(
        net,
        loss,
        Lines(),
        optimizer=optimizer(net.parameters(), 1e-2),
        n_epochs=n_epochs,
        run=run,
        schedule=lambda done: 1 - 0.9 * done,
        clip_norm=1.0,
        hooks=[hooked.LearningCurve(), *hooks],
    )
    return net, reason


def same(a, b):
    return all(
        torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    )


def test_it_learns_and_keeps_the_curve():
    run = Run()
    net, reason = fit(run, n_epochs=40)
    assert reason == "done"
    assert not net.training
    assert len(run.history) == 40
    assert run.history[-1]["loss"] < run.history[0]["loss"] / 2


def test_the_same_seed_gives_the_same_weights():
    assert same(fit(Run(seed=3))[0], fit(Run(seed=3))[0])
    assert not same(fit(Run(seed=3))[0], fit(Run(seed=4))[0]), "dropout follows the seed"


@pytest.mark.parametrize("optimizer", [torch.optim.Adam, torch.optim.Adagrad, torch.optim.SGD])
@pytest.mark.parametrize("stop", [7, 13, 30])
def test_a_stopped_run_goes_on_bit_for_bit(tmp_path, optimizer, stop):
    whole_run, run = Run(), Run(checkpoints=tmp_path)
    whole, _ = fit(whole_run, optimizer=optimizer)
    _, reason = fit(run, hooked.Checkpoints(every=5), hooked.StopAtStep(stop), optimizer=optimizer)
    assert reason == f"step {stop}"
    again = Run(checkpoints=tmp_path)
    gone_on, reason = fit(again, hooked.Checkpoints(every=5), optimizer=optimizer)
    assert reason == "done"
    assert same(whole, gone_on)
    assert again.history == whole_run.history


KILLED = textwrap.dedent(
    """
    import os, pathlib, signal, sys
    sys.path.insert(0, {here!r})
    from test_loop import fit, hooked, Run
    class Kill(hooked.Quiet):
        def on_step(self, now):
            if now.step == 23:
                os.kill(os.getpid(), signal.SIGKILL)
    fit(Run(checkpoints=pathlib.Path({folder!r})), hooked.Checkpoints(every=5), Kill())
    """
)


def test_kill_9_loses_nothing_that_was_saved(tmp_path):
    here = os.path.dirname(__file__)
    script = KILLED.format(here=here, folder=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert [path.name for path in checkpoint.found(tmp_path)] == ["step-000000015", "step-000000020"]
    gone_on, _ = fit(Run(checkpoints=tmp_path), hooked.Checkpoints(every=5))
    assert same(fit(Run())[0], gone_on)


def test_ctrl_c_saves_and_says_so(tmp_path):
    class Press(hooked.Quiet):
        def on_step(self, now):
            if now.step == 9:
                os.kill(os.getpid(), signal.SIGINT)

    run = Run(checkpoints=tmp_path)
    _, reason = fit(run, hooked.Checkpoints(every=100), Press())
    assert reason == "Ctrl-C"
    assert run.interrupted
    gone_on, _ = fit(Run(checkpoints=tmp_path), hooked.Checkpoints(every=100))
    assert same(fit(Run())[0], gone_on)


def test_nan_stops_with_step_and_batch_named(tmp_path):
    class Poison(hooked.Quiet):
        def on_step(self, now):
            if now.step == 16:
                next(now.net.parameters()).data.fill_(float("nan"))

    run = Run(checkpoints=tmp_path)
    with pytest.raises(
        hooked.Diverged, match=r"Got nan at step 17 \(epoch 2, batch 4 of 13\).*Lower learning_rate"
    ):
        fit(run, hooked.StopOnNaN(), hooked.Checkpoints(every=5), Poison())
    assert checkpoint.found(tmp_path)[-1].name == "step-000000015", "the last good one is kept"


def test_early_stopping_gives_the_best_weights_back():
    kept = {}

    class Figure(hooked.Quiet):
        def on_step(self, now):
            if now.ends_epoch:
                now.run.log(score=-abs(now.epoch - 2))
                kept[now.epoch] = {name: t.clone() for name, t in now.net.state_dict().items()}

    run = Run()
    net, reason = fit(run, Figure(), hooked.EarlyStopping("score", patience=2), n_epochs=20)
    assert reason == "score best at epoch 3"
    assert len(run.history) == 5
    assert all(torch.equal(t, kept[2][name]) for name, t in net.state_dict().items())


def test_early_stopping_goes_on_where_it_was(tmp_path):
    class Figure(hooked.Quiet):
        def on_step(self, now):
            if now.ends_epoch:
                now.run.log(score=-abs(now.epoch - 2))

    def parts():
        return Figure(), hooked.EarlyStopping("score", patience=2), hooked.Checkpoints(every=4)

    whole, _ = fit(Run(), *parts()[:2], n_epochs=20)
    fit(Run(checkpoints=tmp_path), *parts(), hooked.StopAtStep(13 * 4 + 1), n_epochs=20)
    gone_on, reason = fit(Run(checkpoints=tmp_path), *parts(), n_epochs=20)
    assert reason == "score best at epoch 3"
    assert same(whole, gone_on)


def test_what_early_stopping_ended_does_not_go_on(tmp_path):
    """The last checkpoint is that of the end; a kill right after it changes nothing."""

    class Figure(hooked.Quiet):
        def on_step(self, now):
            if now.ends_epoch:
                now.run.log(score=-abs(now.epoch - 2))

    def parts():
        return Figure(), hooked.EarlyStopping("score", patience=2), hooked.Checkpoints(every=4)

    before, again = Run(checkpoints=tmp_path), Run(checkpoints=tmp_path)
    whole, _ = fit(before, *parts(), n_epochs=20)
    gone_on, reason = fit(again, *parts(), n_epochs=20)
    assert reason == "score best at epoch 3"
    assert same(whole, gone_on)
    assert again.history == before.history
    assert len(again.history) == 5


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError(
            "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total of 1.00 GiB."
        ),
        RuntimeError(
            "DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes. Error code 12"
        ),
        MemoryError("Unable to allocate 8.00 EiB for an array"),
    ],
)
def test_a_step_that_does_not_fit_keeps_what_was_learnt(tmp_path, monkeypatch, error):
    whole, _ = fit(Run())
    steps = 0

    def too_large(net, x):
        nonlocal steps
        steps += 1
        if steps == 18:
            raise error
        return right(net, x)

    right = loss
    monkeypatch.setattr(sys.modules[__name__], "loss", too_large)
    with pytest.raises(OutOfMemory, match=r"^step 18 on cpu must fit the memory.*Lower batch_size, then"):
        fit(Run(checkpoints=tmp_path), hooked.Checkpoints(every=10))
    assert checkpoint.found(tmp_path)[-1].name == "step-000000017"
    gone_on, _ = fit(Run(checkpoints=tmp_path), hooked.Checkpoints(every=10))
    assert same(whole, gone_on)


def test_memory_that_is_really_not_there():
    def huge(net, x):
        return torch.empty(1 << 52).sum()

    net = torch.nn.Linear(4, 1)
    with pytest.raises(OutOfMemory, match="can't allocate memory"):
        train(net, huge, Lines(), optimizer=torch.optim.SGD(net.parameters()), n_epochs=1, run=Run())


def test_a_lower_batch_size_goes_on_at_the_same_share_of_the_epochs(tmp_path, monkeypatch):
    fit(Run(checkpoints=tmp_path), hooked.Checkpoints(every=5), hooked.StopAtStep(20))  # epoch 2, 7 of 13
    monkeypatch.setattr(Lines, "n_steps", 26)
    run, seen = Run(checkpoints=tmp_path), []

    class Notes(hooked.Quiet):
        def on_start(self, now):
            seen.append(now.step)

    fit(run, Notes())
    assert seen == [40]
    assert [row["epoch"] for row in run.history] == [0, 1, 2, 3, 4]


def test_a_checkpoint_of_another_network_or_seed_is_refused(tmp_path):
    fit(Run(checkpoints=tmp_path), hooked.Checkpoints(every=5), hooked.StopAtStep(5))
    with pytest.raises(ModelFileError, match=r"same architecture. Got 0\.bias \(8,\) there, \(16,\) here"):
        fit(Run(checkpoints=tmp_path), width=16)
    with pytest.raises(InvalidValue, match="seed must be 0, as the run began. Got 1"):
        fit(Run(checkpoints=tmp_path, seed=1))


def test_a_damaged_checkpoint_says_so(tmp_path):
    fit(Run(checkpoints=tmp_path), hooked.Checkpoints(every=5), hooked.StopAtStep(5))
    file = checkpoint.found(tmp_path)[-1] / "net.safetensors"
    file.write_bytes(file.read_bytes()[:20])
    with pytest.raises(ModelFileError, match="must be a whole checkpoint"):
        fit(Run(checkpoints=tmp_path))


def test_only_the_newest_checkpoints_are_kept(tmp_path):
    fit(Run(checkpoints=tmp_path), hooked.Checkpoints(every=5, keep=3))
    assert [path.name for path in checkpoint.found(tmp_path)] == [f"step-{n:09d}" for n in (55, 60, 65)]


def test_hooks_see_three_moments_in_order():
    seen = []

    class Notes(hooked.Quiet):
        def on_start(self, now):
            seen.append(("start", now.step))

        def on_step(self, now):
            seen.append(("step", now.step, now.epoch, now.ends_epoch))
            return Stop("enough") if now.step == 14 else None

        def on_end(self, now):
            seen.append(("end", now.step))

    _, reason = fit(Run(), Notes())
    assert reason == "enough"
    assert seen[0] == ("start", 0)
    assert seen[13] == ("step", 13, 0, True)
    assert seen[-2:] == [("step", 14, 1, False), ("end", 14)]


def test_tensorboard_writes_events(tmp_path):
    pytest.importorskip("tensorboard", reason="the tensorboard extra is not installed")
    fit(Run(), hooked.TensorBoard(str(tmp_path), every=1), n_epochs=1)
    assert any(path.name.startswith("events") for path in tmp_path.iterdir())


def test_devices():
    assert resolve("cpu").type == "cpu"
    with pytest.raises(InvalidValue, match="device must be auto, cpu, cuda"):
        resolve("gpu!")
    if not torch.cuda.is_available():
        assert resolve("auto").type == "cpu"
        with pytest.raises(
            InvalidValue, match="Got 'cuda'. This machine has no CUDA device: use cpu or auto"
        ):
            resolve("cuda")
    batch = to_device({"a": torch.ones(2), "b": (torch.ones(1), [torch.zeros(1)])}, resolve("cpu"))
    assert batch["b"][1][0].device.type == "cpu"
