"""The door: what gets in, what is refused with line number and reason, and nothing lost in silence."""

import csv
from datetime import date, time, timedelta
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsmith.data.door import read_frame
from recsmith.data.sources.tables import read_table
from recsmith.errors import BadRows, DataError, InvalidValue

HEADER = "userId,movieId,rating,timestamp\n"


@pytest.fixture
def log(tmp_path):
    """Writes a log's lines below the usual header and returns its path."""

    def write(body, *, header=HEADER, name="ratings.csv"):
        path = tmp_path / name
        path.write_bytes((header + body).encode())
        return path

    return write


def test_a_good_log_comes_in_whole_and_sorted(log):
    data = read_table(log("2,10,3.5,1000000200\n1,30,5,1000000100\n1,10,4,1000000000\n"))
    events = data.interactions
    assert data.users.ids.to_list() == [1, 2]
    assert data.items.ids.to_list() == [10, 30]
    assert data.users.decode(events.user) == [1, 1, 2]
    assert data.items.decode(events.item) == [10, 30, 10]
    assert events.weight.tolist() == [4.0, 5.0, 3.5]
    assert events.time.tolist() == [1_000_000_000_000, 1_000_000_100_000, 1_000_000_200_000]
    assert (events.user.dtype, events.item.dtype, events.weight.dtype, events.time.dtype) == (
        np.int32,
        np.int32,
        np.float32,
        np.int64,
    )
    assert data.feedback == "ratings"
    assert data.notes.n_read == 3
    assert data.notes.refused == {}
    assert "timestamp read as seconds since 1970" in data.notes.steps


BAD = {
    "userId is empty": ",2,3,1000000000",
    "movieId is empty": "1,,3,1000000000",
    "rating is empty": "1,2,,1000000000",
    "rating is not a number": "1,2,great,1000000000",
    "rating is NaN or infinite": "1,2,NaN,1000000000",
    "timestamp is empty": "1,2,3,",
    "timestamp is not a time": "1,2,3,yesterday",
    "timestamp is in milliseconds while most are in seconds": "1,2,3,1000000000000",
    "timestamp is in small numbers (before 1973) while most are in seconds": "1,2,3,17",
    "the header again": "userId,movieId,rating,timestamp",
    "more fields than the header": "1,2,3,1000000000,surplus",
}


@pytest.mark.parametrize(("reason", "line"), BAD.items(), ids=list(BAD))
def test_a_bad_row_is_refused_with_its_line_number_and_reason(log, reason, line):
    path = log(f"1,2,3,1000000000\n{line}\n2,2,4,1000000001\n")
    with pytest.raises(BadRows) as error:
        read_table(path)
    message = str(error.value)
    assert f"{path} must be free of bad lines. Got 1 bad line (1 × {reason})." in message
    assert f"{path}, line 3: {reason}: {line!r}" in message
    assert 'on_bad_rows = "quarantine"' in message


@pytest.mark.parametrize(("reason", "line"), BAD.items(), ids=list(BAD))
def test_a_bad_row_can_be_set_aside_in_a_file(log, tmp_path, reason, line):
    path, aside = log(f"1,2,3,1000000000\n{line}\n2,2,4,1000000001\n"), tmp_path / "bad" / "rows.csv"
    data = read_table(path, on_bad_rows="quarantine", quarantine=aside)
    assert len(data) == 2
    assert data.notes.n_read == 3
    assert data.notes.refused == {reason: 1}
    assert f"1 refused line was set aside in {aside}" in data.notes.steps
    with aside.open(newline="") as file:
        assert list(csv.reader(file)) == [["path", "line", "reason", "raw"], [str(path), "3", reason, line]]


def test_every_bad_row_is_counted_and_the_first_are_shown(log):
    path = log("".join(f"{user},1,bad,1000000000\n" for user in range(7)) + "1,1,,1000000000\n")
    with pytest.raises(BadRows) as error:
        read_table(path)
    message = str(error.value)
    assert "Got 8 bad lines (7 × rating is not a number; 1 × rating is empty)." in message
    assert message.count("line ") == 5
    assert "… and 3 more" in message


def test_quarantine_stands_beside_the_data_when_no_file_is_named(log, tmp_path):
    path = log("1,2,3,1000000000\n1,,3,1000000000\n")
    read_table(path, on_bad_rows="quarantine")
    assert (tmp_path / "ratings.csv.quarantine").is_file()
    assert len(read_table(str(tmp_path / "*.csv"), on_bad_rows="quarantine")) == 1  # a glob does not meet it


def test_a_log_of_bad_rows_only_is_an_error_even_with_quarantine(log, tmp_path):
    path = log("1,,3,1000000000\n")
    with pytest.raises(
        DataError, match=r"at least one row that can be read. Got none \(1 × movieId is empty\)"
    ):
        read_table(path, on_bad_rows="quarantine", quarantine=tmp_path / "q.csv")


def test_a_file_cut_in_the_middle_of_a_line_says_so(log):
    with pytest.raises(BadRows, match="line 3: the file ends in the middle of this line: '2,3,4'"):
        read_table(log("1,2,3,1000000000\n2,3,4"))


def test_a_file_cut_in_the_middle_of_its_last_number_says_so(log):
    body = "".join(f"{user},2,3,10000000{user}\n" for user in range(10, 20))
    with pytest.raises(BadRows, match="line 12: the file ends in the middle of this line: '5,2,3,100000'"):
        read_table(log(body + "5,2,3,100000"))


def test_a_last_line_without_a_newline_that_is_whole_is_kept_and_noted(log):
    path = log("1,2,3,1000000000\n2,2,4,1000000001")
    data = read_table(path)
    assert len(data) == 2
    assert f"{path} does not end with a newline; its last line was read as it stands" in data.notes.steps


def test_blank_lines_are_no_rows_and_are_counted(log):
    data = read_table(log("1,2,3,1000000000\n\n\n2,2,4,1000000001\n"))
    assert data.notes.n_read == len(data) == 2
    assert "2 blank lines were left out" in data.notes.steps


@pytest.mark.parametrize(
    ("factor", "unit", "word"),
    [
        (1, "s", "seconds"),
        (10**3, "ms", "milliseconds"),
        (10**6, "us", "microseconds"),
        (10**9, "ns", "nanoseconds"),
    ],
)
def test_the_unit_of_times_is_found_by_their_size(factor, unit, word):
    seconds = np.array([999_999_999, 1_600_000_000, 2_000_000_001])
    frame = pl.DataFrame({"user": [1, 2, 3], "item": [1, 1, 1], "time": seconds * factor})
    data = read_frame(frame)
    assert data.interactions.time.tolist() == (seconds * 1000).tolist()
    assert f"time read as {word} since 1970" in data.notes.steps
    assert read_frame(frame, time_unit=unit).interactions.time.tolist() == (seconds * 1000).tolist()


def test_small_times_are_an_order_and_the_notes_say_so():
    data = read_frame(pl.DataFrame({"user": [1, 1], "item": [1, 2], "time": [7, 3]}))
    assert data.items.decode(data.interactions.item) == [2, 1]
    assert any("only their order" in step for step in data.notes.steps)


def test_a_unit_that_is_given_is_believed():
    frame = pl.DataFrame({"user": [1, 2], "item": [1, 1], "time": [5, 2_000_000_000]})
    assert read_frame(frame, time_unit="s").interactions.time.tolist() == [5000, 2_000_000_000_000]
    with pytest.raises(InvalidValue, match="time_unit must be auto, s, ms, us, ns. Got 'minutes'"):
        read_frame(frame, time_unit="minutes")


@pytest.mark.parametrize(
    "text",
    ["2001-09-09T01:46:40", "2001-09-09 01:46:40", "2001-09-09T01:46:40Z", "2001-09-09T03:46:40+02:00"],
)
def test_times_as_text_are_read(text):
    data = read_frame(pl.DataFrame({"user": ["a"], "item": ["b"], "time": [text]}))
    assert data.interactions.time.tolist() == [1_000_000_000_000]


def test_dates_and_unusual_times_are_read():
    frame = pl.DataFrame({"user": ["a"], "item": ["b"], "when": ["2001-09-09"]})
    assert read_frame(frame, time="when").interactions.time.tolist() == [999_993_600_000]
    odd = frame.with_columns(when=pl.lit("09.09.2001 01h46"))
    read = read_frame(odd, time="when", time_format="%d.%m.%Y %Hh%M")
    assert read.interactions.time.tolist() == [999_999_960_000]
    typed = frame.with_columns(pl.col("when").str.to_datetime("%Y-%m-%d"))
    assert read_frame(typed, time="when").interactions.time.tolist() == [999_993_600_000]
    zoned = typed.with_columns(pl.col("when").dt.replace_time_zone("Europe/Berlin"))
    assert read_frame(zoned, time="when").interactions.time.tolist() == [999_993_600_000 - 7_200_000]


def test_a_date_among_other_dates_that_is_none_is_refused():
    frame = pl.DataFrame({"user": [1, 2, 3], "item": [1, 1, 1], "time": ["2001-09-09", "2001-09-10", "soon"]})
    with pytest.raises(BadRows, match="row 3: time is not a time like '%Y-%m-%d'"):
        read_frame(frame)


def test_ids_keep_what_they_say():
    frame = pl.DataFrame({"user": ["007", "7", " 7 "], "item": ["1", "2", "3"]})
    data = read_frame(frame)
    assert data.users.ids.to_list() == ["007", "7"]  # not the number 7 twice
    assert data.items.ids.to_list() == [1, 2, 3]


def test_ids_that_came_as_floats_are_integers_again():
    frame = pl.DataFrame({"user": [1.0, 2.0], "item": [10**15 + 0.0, 2.0]})
    assert read_frame(frame).items.ids.to_list() == [2, 10**15]
    with pytest.raises(BadRows, match="row 2: user is not a whole number"):
        read_frame(pl.DataFrame({"user": [1.0, 2.5], "item": [1, 2]}))
    with pytest.raises(BadRows, match="row 2: user is empty"):
        read_frame(pl.DataFrame({"user": [1.0, None], "item": [1, 2]}))


def test_a_column_that_cannot_be_ids_is_refused():
    with pytest.raises(DataError, match="user must be a column of integers or strings. Got 'user' of List"):
        read_frame(pl.DataFrame({"user": [[1]], "item": [1]}))


def test_numbers_that_are_not_finite_are_refused():
    frame = pl.DataFrame({"user": [1, 2, 3], "item": [1, 1, 1], "rating": [3.0, float("nan"), 1e300]})
    with pytest.raises(BadRows, match="2 × rating is NaN or infinite"):
        read_frame(frame)


def test_the_feedback_is_found_out_or_given():
    stars = pl.DataFrame({"user": [1, 2], "item": [1, 1], "rating": [3.0, 4.0]})
    counts = stars.with_columns(rating=pl.Series([1.0, 70.0]))
    assert read_frame(stars).feedback == "ratings"
    assert read_frame(counts).feedback == "implicit"
    assert read_frame(stars.drop("rating")).feedback == "implicit"
    assert read_frame(counts, feedback="ratings").feedback == "ratings"


def test_one_user_or_one_item_is_a_log_too():
    one_user = read_frame(pl.DataFrame({"user": [5, 5], "item": ["a", "b"]}))
    one_item = read_frame(pl.DataFrame({"user": [5, 6], "item": ["a", "a"]}))
    assert (one_user.n_users, one_user.n_items) == (1, 2)
    assert (one_item.n_users, one_item.n_items) == (2, 1)


def test_an_empty_frame_is_refused():
    with pytest.raises(
        DataError, match="table must be a table with at least one row. Got a header and no rows"
    ):
        read_frame(pl.DataFrame({"user": [], "item": []}, schema={"user": pl.Int64, "item": pl.Int64}))


def test_a_rule_for_bad_rows_must_be_known():
    frame = pl.DataFrame({"user": [1], "item": [1]})
    with pytest.raises(InvalidValue, match="on_bad_rows must be"):
        read_frame(frame, on_bad_rows="drop")
    with pytest.raises(InvalidValue, match="quarantine must be a file path"):
        read_frame(pl.DataFrame({"user": [1, None], "item": [1, 1]}), on_bad_rows="quarantine")


ROWS = st.lists(
    st.tuples(
        st.one_of(st.none(), st.integers(-3, 3)),
        st.one_of(st.none(), st.sampled_from(["a", "b", " c", ""])),
        st.one_of(st.none(), st.sampled_from([1.0, 2.5, float("nan"), float("inf")])),
    ),
    min_size=1,
    max_size=30,
)


@settings(max_examples=60)
@given(rows=ROWS)
def test_every_row_is_kept_refused_or_a_repeat(tmp_path_factory, rows):
    columns = dict(zip(("user", "item", "rating"), map(list, zip(*rows, strict=True)), strict=True))
    frame = pl.DataFrame(columns, schema={"user": pl.Int64, "item": pl.String, "rating": pl.Float64})
    good = [
        (user, item.strip())
        for user, item, rating in rows
        if user is not None and item and rating is not None and np.isfinite(rating)
    ]
    aside = tmp_path_factory.mktemp("q") / "q.csv"
    if not good:
        with pytest.raises(DataError):
            read_frame(frame, on_bad_rows="quarantine", quarantine=aside)
        return
    data = read_frame(frame, on_bad_rows="quarantine", quarantine=aside)
    assert data.notes.n_read == len(rows)
    assert len(data) + data.notes.duplicates + sum(data.notes.refused.values()) == len(rows)
    events = data.interactions
    pairs = set(zip(data.users.decode(events.user), data.items.decode(events.item), strict=True))
    assert pairs == set(good)
    n_aside = len(pl.read_csv(aside)) if aside.exists() else 0
    assert n_aside == sum(data.notes.refused.values())


def test_times_of_an_unknown_form_ask_for_it():
    frame = pl.DataFrame({"user": [1], "item": [1], "time": ["01/02/2020 10:00"]})
    with pytest.raises(
        DataError, match="Got 'time' with '01/02/2020 10:00'. Say its form, for instance time_format"
    ):
        read_frame(frame)
    read = read_frame(frame, time_format="%d/%m/%Y %H:%M")
    assert read.interactions.time.tolist() == [1_580_551_200_000]


COLUMNS = {
    "Decimal": pl.Series([Decimal(1), Decimal(2)]),
    "Decimal with a fraction": pl.Series([Decimal("1.5"), Decimal(2)]),
    "Boolean": pl.Series([True, False]),
    "Time": pl.Series([time(1), time(2)]),
    "Duration": pl.Series([timedelta(1), timedelta(2)]),
    "Binary": pl.Series([b"a", b"b"]),
    "List": pl.Series([[1], [2]]),
    "Struct": pl.Series([{"a": 1}, {"a": 2}]),
    "Categorical": pl.Series(["1", "2"], dtype=pl.Categorical),
    "Enum": pl.Series(["1", "2"], dtype=pl.Enum(["1", "2"])),
    "Null": pl.Series([None, None]),
    "UInt64": pl.Series([1, 2**64 - 1], dtype=pl.UInt64),
    "Int128": pl.Series([2**100, 1], dtype=pl.Int128),
    "Int8": pl.Series([1, 2], dtype=pl.Int8),
    "Float32": pl.Series([1.0, 2.0], dtype=pl.Float32),
    "Date": pl.Series([date(2020, 1, 1)] * 2),
    "Array": pl.Series([[1, 2], [3, 4]], dtype=pl.Array(pl.Int64, 2)),
    "Object": pl.Series([object(), object()], dtype=pl.Object),
}
TAKEN = {
    "user": {"Decimal", "Categorical", "Enum", "UInt64", "Int128", "Int8", "Float32"},
    "weight": {
        "Decimal",
        "Decimal with a fraction",
        "Boolean",
        "Categorical",
        "Enum",
        "UInt64",
        "Int128",
        "Int8",
        "Float32",
    },
    "time": {"Decimal", "Decimal with a fraction", "Categorical", "Enum", "Int8", "Float32", "Date"},
}


@pytest.mark.parametrize("role", TAKEN)
@pytest.mark.parametrize("kind", COLUMNS)
def test_every_type_of_column_is_taken_or_refused_in_words(role, kind):
    base = {"user": [1, 2], "item": [1, 2], "weight": [1.0, 2.0], "time": [10**9, 10**9]}
    frame = pl.DataFrame(base | {role: COLUMNS[kind]})
    if kind in TAKEN[role]:
        assert len(read_frame(frame)) == 2
    else:
        with pytest.raises(DataError, match=f"{role}|can be read whole"):
            read_frame(frame)


def test_ids_too_large_for_an_int64_are_text():
    data = read_frame(
        pl.DataFrame({"user": [1, 2**64 - 1], "item": [1, 1]}, schema={"user": pl.UInt64, "item": pl.Int64})
    )
    assert data.users.ids.to_list() == ["1", str(2**64 - 1)]


def test_a_quarantine_that_cannot_be_written_says_so(log, tmp_path):
    path = log("1,2,3,1000000000\n1,,3,1000000000\n")
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    with pytest.raises(DataError, match="quarantine must be a file that can be written. Got .*file.q.csv.: "):
        read_table(path, on_bad_rows="quarantine", quarantine=in_the_way / "q.csv")
