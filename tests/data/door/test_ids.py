"""Ids at the door: which are integers, which are text, and that none changes."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from recsmith.data.door import read_frame
from recsmith.data.door.ids import tidy


def test_plain_integers_are_integers_and_nothing_else_is():
    assert tidy(pl.Series(["1", " 20", "-3", "0"])).to_list() == [1, 20, -3, 0]
    for odd in ("007", "1.0", "+1", "-0", "", "1e3", "99999999999999999999"):
        assert tidy(pl.Series(["1", odd])).to_list() == ["1", odd]


@given(
    st.lists(st.one_of(st.integers(-(10**17), 10**17).map(str), st.text(min_size=1, max_size=5)), min_size=1)
)
def test_ids_come_back_as_they_were_written(ids):
    clean = [one for one in ids if one.strip()]
    frame = pl.DataFrame(
        {"user": clean, "item": [1] * len(clean)}, schema={"user": pl.String, "item": pl.Int64}
    )
    if not clean:
        return
    data = read_frame(frame, duplicates="keep_all")
    found = [str(user) for user in data.users.decode(data.interactions.user)]
    assert sorted(found) == sorted(pl.Series(clean).str.strip_chars().to_list())
