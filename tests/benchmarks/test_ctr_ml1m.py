"""The lines that ctr_ml1m.py makes of its seeds, against worked figures."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the neural extra is not installed")

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import ctr_ml1m

import recsmith.models


def test_differences_are_paired_by_seed():
    auc = {"dnn": {0: 0.80, 1: 0.82, 2: 0.99}, "dcn-v2": {1: 0.85, 0: 0.81}}
    plain, crossed = ctr_ml1m.together(auc)
    assert plain == "dnn      AUC 0.8700 ± 0.0852, 3 seeds"
    # Gaps .01 and .03: mean .02, standard error .01, and t is 12.706 with one degree of freedom.
    assert crossed == "dcn-v2   AUC 0.8300 ± 0.0200, 2 seeds; less dnn +0.0200 [-0.1071, +0.1471]"


def test_one_seed_has_no_interval():
    assert list(ctr_ml1m.together({"dnn": {0: 0.8}, "deepfm": {0: 0.9}}))[1].endswith("1 seeds")


@pytest.mark.parametrize("name", ctr_ml1m.ROWS)
def test_rows_are_settings_that_the_models_take(name):
    kind, own = ctr_ml1m.ROWS[name]
    getattr(recsmith.models, kind)(**{**ctr_ml1m.ALL, **own})
