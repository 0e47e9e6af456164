"""The rows against TensorFlow's framework: settings that NextItem takes, and a table of what was measured."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the neural extra is not installed")

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from tf_on_device import ROWS, Row, table

from recsmith.models import NextItem


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_row_is_a_network_of_context_ten(row):
    assert NextItem(**row.settings).config.context_length == 10


def test_the_table_gives_mean_deviation_and_ratio():
    lines = [
        {"row": "a", "seed": seed, "parameters": 7, "random": value, "last": 0.1}
        for seed, value in enumerate((0.1, 0.2))
    ]
    text = table([Row("a", {}, 0.1, None)], lines)
    assert "| a | 7 | 0.1500 ± 0.0707 | 1.50 | 0.1000 ± 0.0000 | – |" in text
