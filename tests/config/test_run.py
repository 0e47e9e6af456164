"""Run: epochs with a learning curve, going on, and Ctrl-C that keeps what is done."""

import os
import signal

import pytest

from recsmith.config import Run
from recsmith.errors import InvalidValue


def test_epochs_are_counted_and_their_figures_kept():
    run = Run()
    for epoch in run.epochs(3, "Model"):
        run.log(loss=1 / (epoch + 1))
    assert run.history == [{"epoch": 0, "loss": 1.0}, {"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 1 / 3}]
    assert not run.interrupted


def test_a_run_goes_on_where_it_stopped():
    assert list(Run(start_epoch=2).epochs(5, "Model")) == [2, 3, 4]
    assert list(Run(start_epoch=5).epochs(5, "Model")) == []


def test_ctrl_c_ends_after_the_epoch_in_progress():
    done = []
    saved = []
    run = Run(on_epoch=saved.append)
    for epoch in run.epochs(10, "Model"):
        if epoch == 3:
            os.kill(os.getpid(), signal.SIGINT)
        done.append(epoch)
    assert done == [0, 1, 2, 3]
    assert saved == [1, 2, 3, 4]
    assert run.interrupted


def test_a_second_ctrl_c_stops_at_once_and_the_handler_is_given_back():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        for _ in Run().epochs(10, "Model"):
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_threads():
    assert Run(n_threads=3).threads == 3
    assert Run().threads >= 1
    with pytest.raises(InvalidValue, match="n_threads must be 0"):
        Run(n_threads=-1)


def test_bars_go_to_standard_error(capsys):
    run = Run(progress=True)
    for _ in run.epochs(2, "Model"):
        run.log(loss=0.5)
    assert list(run.track([1, 2], "Rows")) == [1, 2]
    out, err = capsys.readouterr()
    assert out == ""
    assert "Model" in err
    assert "loss 0.5" in err
