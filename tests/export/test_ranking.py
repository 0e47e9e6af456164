"""The second file of ranking models: candidates scored as the model does, proved like the lists."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="the neural extra is not installed")

from recsmith.errors import InvalidValue
from recsmith.export import export_model
from recsmith.export.parity_rank import RankCases, compare
from recsmith.export.ranking import load_ranker
from recsmith.export.verify import verify
from recsmith.models import DCN

from .conftest import DATA, ONE

IDS = DATA.items.ids.to_list()


@pytest.fixture(scope="module")
def dcn():
    return DCN(n_epochs=1, embedding_dim=4, deep_dims=(6,), history_length=5, item_features=("genres",)).fit(
        DATA, run=ONE
    )


@pytest.fixture(scope="module")
def bundle(dcn, tmp_path_factory):
    pytest.importorskip("onnxscript", reason="the onnx extra is not installed")
    return export_model(dcn, tmp_path_factory.mktemp("bundles") / "dcn", formats=["onnx"], n_histories=120)


def test_both_files_are_there_and_proved(bundle):
    assert [f.path for f in bundle.models] == ["model.onnx", "rank.onnx"]
    for spec in bundle.models:
        assert spec.parity.passed and spec.parity.max_score_difference < 1e-4
    assert bundle.model("onnx", role="rank").parity.n_histories == 100
    found = verify(bundle.path)
    assert found["ok"] and [row["file"] for row in found["files"]] == ["model.onnx", "rank.onnx"]


def test_candidates_get_the_models_scores(bundle, dcn):
    ranker = load_ranker(bundle.path, runtime="onnx")
    histories, asked = [IDS[:3], IDS[5:20]], [IDS[10:14], IDS[:7]]
    found = ranker.score(histories, asked)
    for row, (history, ids) in enumerate(zip(histories, asked, strict=True)):
        np.testing.assert_allclose(found[row], dcn.score(histories=[history], item_ids=ids)[0], atol=1e-4)


def test_an_unknown_candidate_has_no_score(bundle):
    scores = load_ranker(bundle.path, runtime="onnx").score([IDS[:2]], [[IDS[3], "nobody knows this"]])
    assert np.isfinite(scores[0][0]) and np.isnan(scores[0][1])


def test_too_many_candidates_are_refused(bundle):
    ranker = load_ranker(bundle.path, runtime="onnx")
    with pytest.raises(InvalidValue, match="at most 60 a person. Got 61"):
        ranker.score([IDS[:2]], [IDS[:1] * 61])
    with pytest.raises(InvalidValue, match="one list for each of 1 histories"):
        ranker.score([IDS[:2]], [])


def test_a_bundle_without_a_second_file_says_so(onnx_bundle):
    with pytest.raises(InvalidValue, match="one that the bundle has .none"):
        load_ranker(onnx_bundle)


def test_what_counts_as_the_same():
    cases = RankCases([[1, 2, 3]], [[3.0, 2.0, 1.0]])
    same = np.array([[3.0, 2.0, 1.0, 0.0]], np.float32)
    assert compare(cases, same).passed
    assert not compare(cases, same + np.float32(0.01)).passed
    assert compare(cases, same + np.float32(0.01), quantize="int8").passed
