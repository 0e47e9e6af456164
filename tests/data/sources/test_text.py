"""Text tables: separators, headers, encodings, quotes, gzip, and line numbers that are right."""

import csv
import gzip

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsmith.data.sources.tables import read_table
from recsmith.errors import BadRows, DataError, InvalidValue

ROWS = [("1", "10", "3.5"), ("1", "20", "4"), ("2", "10", "5")]


def table(separator, *, header=True, newline="\n"):
    lines = [*(["user", "item", "rating"],) * header, *ROWS]
    return newline.join(separator.join(line) for line in lines) + newline


@pytest.fixture
def file(tmp_path):
    def write(content, name="log.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def triples(data):
    events = data.interactions
    users, items = data.users.decode(events.user), data.items.decode(events.item)
    return list(zip(users, items, events.weight.tolist(), strict=True))


EXPECTED = [(1, 10, 3.5), (1, 20, 4.0), (2, 10, 5.0)]


@pytest.mark.parametrize("separator", [",", "\t", ";", "|", "::", "||", "<>"])
def test_any_separator_when_it_is_given(file, separator):
    assert triples(read_table(file(table(separator)), separator=separator)) == EXPECTED


@pytest.mark.parametrize("separator", [",", "\t", ";", "|", "::"])
def test_the_usual_separators_are_found_out(file, separator):
    assert triples(read_table(file(table(separator), "log.txt"))) == EXPECTED


def test_without_a_header_columns_are_numbered(file):
    path = file(table("::", header=False), "ratings.dat")
    data = read_table(path, header=False, user="column_1", item="column_2", weight="column_3")
    assert triples(data) == EXPECTED


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_any_newline(file, newline):
    assert triples(read_table(file(table(",", newline=newline)))) == EXPECTED


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_part_of_the_first_column(file, encoding):
    assert triples(read_table(file(table(",").encode(encoding)))) == EXPECTED


def test_latin_1_is_read_and_noted(file):
    path = file("user,item\nZoë,Amélie\n".encode("latin-1"))
    data = read_table(path)
    assert data.items.ids.to_list() == ["Amélie"]
    assert f"{path} is not UTF-8; it was read as Latin-1" in data.notes.steps


def test_an_encoding_that_is_given_must_fit(file):
    path = file("user,item\nя,1\n".encode("cp1251"))
    assert read_table(path, encoding="cp1251").users.ids.to_list() == ["я"]
    with pytest.raises(DataError, match="must be text in ascii"):
        read_table(path, encoding="ascii")


def test_gzip_is_unpacked_whatever_its_name(file):
    packed = gzip.compress(table(",").encode())
    assert triples(read_table(file(packed, "log.csv.gz"))) == EXPECTED
    assert triples(read_table(file(packed, "log.csv"))) == EXPECTED


def test_a_gzip_file_that_is_cut_says_so(file):
    packed = gzip.compress(table(",").encode() * 50)
    with pytest.raises(DataError, match="must be a whole file. Got gzip that is cut short"):
        read_table(file(packed[:-12], "log.csv.gz"))


def test_quoted_fields_hold_separators_quotes_and_newlines(file):
    path = file('user,item\na,"x, y"\nb,"say ""hi"""\nc,"two\nlines"\n')
    assert read_table(path).items.ids.to_list() == ['say "hi"', "two\nlines", "x, y"]


def test_line_numbers_count_lines_also_after_a_quoted_newline(file):
    path = file('user,item,rating\na,"two\nlines",3\nb,x,bad\n')
    with pytest.raises(BadRows, match="line 4: rating is not a number: 'b,x,bad'"):
        read_table(path)


LINES = "read as part of a quoted field that began on a line before"


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_lines_that_stray_quotes_hide_are_told(file, newline):
    lines = ["user,item,note", 'a,x,"oops', "b,y,fine", 'c,z,"bad', "d,w,ok", ""]
    data = read_table(file(newline.join(lines)))
    assert len(data) == 2
    assert any(step.startswith(f"2 lines were {LINES}") for step in data.notes.steps)
    plain = read_table(file(newline.join(lines)), quote="")
    assert len(plain) == 4
    assert not any(LINES in step for step in plain.notes.steps)


@pytest.mark.parametrize(
    "content",
    ['user,item\na,"x, y"\nb,z\n', 'user,item\na,"x"\nb,z', '\n\nuser,item\n\na,"x"\n\nb,z\n\n\n',
     'user,item\r\na,"x"\r\nb,z\r\n', '\ufeffuser,item\na,"x"\nb,z\n', 'user::item\na::"x"\nb::z\n'],
)  # fmt: skip
def test_nothing_is_told_where_each_row_has_its_line(file, content):
    data = read_table(file(content))
    assert len(data) == 2
    assert not any(LINES in step for step in data.notes.steps)


def test_a_quote_that_is_not_closed_says_what_to_do(file):
    path = file('user,item\na,"x\nb,y\n')
    with pytest.raises(DataError, match="A quotation mark is not closed"):
        read_table(path)
    assert read_table(path, quote="").items.ids.to_list() == ['"x', "y"]


def test_a_quote_that_is_not_closed_in_the_last_column_says_so_too(file):
    path = file('user,item,note\na,x,"oops\nb,y,fine\nc,z,fine\n')
    with pytest.raises(DataError, match="A quotation mark is not closed"):
        read_table(path)


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff"])
def test_an_empty_file_is_refused(file, content):
    path = file(content)
    with pytest.raises(DataError, match="must be a table with at least one row. Got an empty file"):
        read_table(path)


def test_a_header_alone_is_refused(file):
    with pytest.raises(DataError, match="Got a header and no rows"):
        read_table(file("user,item,rating\n"))


def test_a_wrong_separator_is_an_error_that_names_the_right_one(file):
    with pytest.raises(DataError, match="one column only: its separator looks like ';'"):
        read_table(file(table(";")), separator=",")


def test_a_header_with_one_name_twice_is_refused(file):
    with pytest.raises(DataError, match="must name each column once. Got 'user' twice"):
        read_table(file("user,user,item\n1,2,3\n"))


def test_a_control_character_and_a_long_separator_do_not_go_together(file):
    with pytest.raises(DataError, match="must not hold the character 0x1F"):
        read_table(file("user::item\n1::a\x1fb\n"), separator="::")


def test_blank_lines_before_the_header_do_not_shift_line_numbers(file):
    path = file("\n\nuser,item,rating\n1,2,3\n1,3,bad\n")
    with pytest.raises(BadRows, match="line 5: rating is not a number: '1,3,bad'"):
        read_table(path)


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), min_size=1, max_size=6)


@settings(max_examples=60)
@given(
    rows=st.lists(st.tuples(CELLS, CELLS, st.sampled_from(["1", "2.5", "x"])), min_size=1, max_size=12),
    separator=st.sampled_from([",", ";", "\t", "|"]),
)
def test_what_the_csv_module_writes_is_what_comes_in(tmp_path_factory, rows, separator):
    path = tmp_path_factory.mktemp("csv") / "log.csv"
    line_of, number = [], 2
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, delimiter=separator, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerow(["user", "item", "rating"])
        for row in rows:
            line_of.append(number)
            number += 1 + sum(cell.count("\n") for cell in row)
            writer.writerow(row)
    good = [row for row in rows if row[2] != "x" and stripped(row[0]) and stripped(row[1])]
    aside = path.with_suffix(".bad")
    if not good:
        with pytest.raises(DataError):
            read_table(path, separator=separator, on_bad_rows="quarantine", quarantine=aside)
        return
    data = read_table(
        path, separator=separator, on_bad_rows="quarantine", quarantine=aside, duplicates="keep_all"
    )
    events = data.interactions
    found = zip(
        map(str, data.users.decode(events.user)), map(str, data.items.decode(events.item)), strict=True
    )
    assert sorted(found) == sorted((stripped(user), stripped(item)) for user, item, _ in good)
    lines = [line for line, row in zip(line_of, rows, strict=True) if row not in good]
    assert (pl.read_csv(aside)["line"].to_list() if lines else []) == lines


def stripped(text):
    return pl.Series([text]).str.strip_chars()[0]


def test_only_newlines_end_a_line(file):
    path = file("user,it\u2028em\n1,2\x1e3\n")
    assert read_table(path, item="it\u2028em").items.ids.to_list() == ["2\x1e3"]


def test_another_quote(file):
    assert read_table(file("user,item\na,'x, y'\n"), quote="'").items.ids.to_list() == ["x, y"]


def test_a_file_cut_in_the_middle_of_a_character(file, tmp_path):
    path = file("user,item\nZoë,Amélie\nAnna,Amé".encode()[:-1])
    with pytest.raises(BadRows, match="line 3: the file ends in the middle of this line"):
        read_table(path)
    data = read_table(path, on_bad_rows="quarantine", quarantine=tmp_path / "q")
    assert data.users.ids.to_list() == ["Zoë"]  # and not Latin-1 for the rest


def test_an_encoding_must_be_known(file):
    with pytest.raises(InvalidValue, match="encoding must be one that Python knows"):
        read_table(file(table(",")), encoding="utf-9")
