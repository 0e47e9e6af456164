"""The script that times IALS, EASE and lists on a GPU does so on torch's CPU device, on a small log."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

torch = pytest.importorskip("torch", reason="the neural extra is not installed")

from recsmith import Run  # noqa: E402
from recsmith.testing import toy  # noqa: E402


def test_each_line_says_how_much_of_the_device_and_how_many_places_agree(monkeypatch, capsys):
    gpu_classic = pytest.importorskip("gpu_classic")
    monkeypatch.setattr(gpu_classic, "PRODUCT", 64)
    monkeypatch.setattr(gpu_classic, "COPIED", 1024)
    there, device = Run(device="torch"), torch.device("cpu")
    for module in (gpu_classic.ease, gpu_classic.ials, gpu_classic.base):
        monkeypatch.setattr(module, "accelerator", lambda run: device if run is there else None)
    gpu_classic.measure(toy.tastes(), device, there, 1)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")][1:]
    assert [line.split(" | ")[0] for line in lines] == [
        "| `IALS`, 64 factors, 15 epochs",
        "| top 10 of 60",
        "| `IALS`, 192 factors, 15 epochs",
        "| top 10 of 60",
        "| `EASE`",
        "| top 10 of 60",
    ]
    for line in lines:
        assert float(line.strip("| ").split(" | ")[-1].rstrip("%")) > 95
