"""Whatever bytes a file holds, reading it gives a data set or an error of ours, never another."""

import gzip
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsmith.data.sources.tables import read_table
from recsmith.errors import RecsmithError

HEAD = b"user,item,rating,time\n"
LINE = st.lists(
    st.sampled_from(
        [b"1", b"a", b"", b'"', b'"x"', b"3.5", b"1000000000", b"\xff", b",", b"\x00", b" ", b"NaN"]
    ),
    max_size=6,
).map(b",".join)
TABLE = st.builds(
    lambda lines, ending: HEAD + b"\n".join(lines) + ending,
    st.lists(LINE, max_size=6),
    st.sampled_from([b"", b"\n", b"\r\n"]),
)


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "parquet"])
@settings(max_examples=60)
@given(content=st.one_of(st.binary(max_size=200), TABLE))
def test_any_bytes(tmp_path_factory, ending, content):
    path = tmp_path_factory.mktemp("bytes") / f"log.{ending}"
    for written in (content, gzip.compress(content), gzip.compress(content)[:-5]):
        path.write_bytes(written)
        try:
            data = read_table(path, on_bad_rows="quarantine", duplicates="keep_all")
        except RecsmithError:
            continue
        assert len(data) + sum(data.notes.refused.values()) == data.notes.n_read


@settings(max_examples=60)
@given(content=TABLE)
def test_any_bytes_without_a_header(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("bytes") / "log.csv"
    path.write_bytes(content.removeprefix(HEAD))
    for separator in (None, ",", "::"):
        with suppress(RecsmithError):
            read_table(path, header=False, user="column_1", item="column_2", separator=separator)
