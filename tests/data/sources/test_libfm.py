"""libFM text: what is written is read back, and bad lines are refused by their numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import sparse

from recsmith.data.sources.libfm import FeatureTable, read_libfm, write_libfm
from recsmith.errors import BadRows, DataError, InvalidValue

FLOAT32 = st.floats(width=32, allow_nan=False, allow_infinity=False)


def test_a_file_of_libfms_manual(tmp_path):
    file = tmp_path / "ratings.libfm"
    file.write_text("4 0:1.5 3:-7.9\n2 1:1e-5 3:2   # Alice\n\n-1 6:1\n0\n")
    table = read_libfm(file)
    assert table.target_N.tolist() == [4, 2, -1, 0]
    expected = np.zeros((4, 7), np.float32)
    expected[0, [0, 3]], expected[1, [1, 3]], expected[2, 6] = (1.5, -7.9), (1e-5, 2), 1
    np.testing.assert_array_equal(table.features.toarray(), expected)
    with pytest.raises(BadRows, match=r"line 1: '0' is no feature, which are whole numbers from 1"):
        read_libfm(file, first=1)
    assert read_libfm(file, n_features=9).features.shape == (4, 9)
    with pytest.raises(BadRows, match=r"line 4: '6' is no feature, which are whole numbers from 0 to 5"):
        read_libfm(file, n_features=6)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    target=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=6),
    data=st.data(),
    first=st.sampled_from([0, 1]),
)
def test_what_is_written_is_read_back(tmp_path, target, data, first):
    dense = data.draw(arrays.arrays(np.float32, (len(target), 5), elements=FLOAT32))
    table = FeatureTable(np.array(target), sparse.csr_matrix(dense))
    write_libfm(tmp_path / "x.libfm", table, first=first)
    again = read_libfm(tmp_path / "x.libfm", first=first, n_features=5)
    np.testing.assert_array_equal(again.target_N, table.target_N)
    np.testing.assert_array_equal(again.features.toarray(), dense)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("five 0:1", "'five' is no target"),
        ("nan 0:1", "'nan' is no target"),
        ("1 0", "'0' is no feature:value"),
        ("1 qid:3 0:1", "'qid' is no feature"),
        ("1 -1:2", "'-1' is no feature"),
        ("1 ²:2", "'²' is no feature"),
        ("1 0:", "'' is no value"),
        ("1 0:inf", "'inf' is no value"),
        ("1 2:1 2:3", "feature 2 stands twice"),
        ("1 4294967296:1", "'4294967296' is no feature"),
        ("1 0:\ufffd", "is no value"),
    ],
)
def test_a_bad_line_is_refused_with_its_number(tmp_path, line, said):
    file = tmp_path / "x.libfm"
    file.write_text(f"1 0:1\n\n{line}\n2 1:1\n", encoding="utf-8")
    with pytest.raises(BadRows, match=r"must be libFM text. Got line 3: ") as refused:
        read_libfm(file)
    assert said in str(refused.value)


def test_many_bad_lines_are_counted(tmp_path):
    (tmp_path / "x.libfm").write_text("x\n" * 9)
    with pytest.raises(BadRows, match=r"line 1: .*line 5: .* And 4 more"):
        read_libfm(tmp_path / "x.libfm")


def test_what_is_no_file_or_empty_is_said(tmp_path):
    with pytest.raises(DataError, match="path must be a file that is there"):
        read_libfm(tmp_path / "none.libfm")
    (tmp_path / "empty").write_text("# nothing\n")
    with pytest.raises(DataError, match="must hold at least one event"):
        read_libfm(tmp_path / "empty")
    with pytest.raises(InvalidValue, match="first must be 0"):
        read_libfm(tmp_path / "empty", first=2)
    with pytest.raises(InvalidValue, match="target_N must be 2 long"):
        write_libfm(tmp_path / "x", FeatureTable(np.zeros(1), sparse.csr_matrix(np.eye(2))))
    assert not (tmp_path / "x").exists()
