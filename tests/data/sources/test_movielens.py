"""MovieLens: the three published forms, made small here, and the real sets where they are."""

import os
import zipfile
from pathlib import Path

import pytest

from recsmith.data import Feature
from recsmith.data.sources.movielens import load_movielens, movielens_folds
from recsmith.errors import DataError, InvalidValue

SHARED = Path(os.environ.get("RECSMITH_DATA") or Path(__file__).parents[4] / "shared" / "data")

RATINGS = "userId,movieId,rating,timestamp\n1,296,5.0,1147880044\n2,1,3.5,1147868817\n"


def real(name):
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"{name} is not in {SHARED} (set RECSMITH_DATA)")
    return folder


@pytest.fixture
def csv_form(tmp_path):
    folder = tmp_path / "ml-25m"
    folder.mkdir()
    (folder / "ratings.csv").write_text(
        "userId,movieId,rating,timestamp\n1,296,5.0,1147880044\n2,1,3.5,1147868817\n"
    )
    (folder / "movies.csv").write_text(
        "movieId,title,genres\n1,Toy Story (1995),Adventure|Comedy\n"
        '296,"Misérables, Les (1995)",(no genres listed)\n7,No Year,Drama\n'
    )
    (folder / "tags.csv").write_text(
        "userId,movieId,tag,timestamp\n1,1,Pixar,1\n2,1,pixar,1\n2,1,fun,1\n2,999,gone,1\n"
    )
    return folder


@pytest.fixture
def dat_form(tmp_path):
    folder = tmp_path / "ml-1m"
    folder.mkdir()
    (folder / "ratings.dat").write_text("1::1193::5::978300760\n2::661::3::978302109\n")
    movies = '661::"Great Performances" Cats (1998)::Musical\n1193::Café: Lumière (2003)::Drama|Romance\n'
    (folder / "movies.dat").write_bytes(movies.encode("latin-1"))
    (folder / "users.dat").write_text("1::F::1::10::48067\n2::M::56::16::70072\n")
    return folder


@pytest.fixture
def data_form(tmp_path):
    folder = tmp_path / "ml-100k"
    folder.mkdir()
    (folder / "u.data").write_text("1\t1\t5\t874965758\n2\t2\t3\t876893171\n")
    (folder / "u.genre").write_text("unknown|0\nAction|1\nComedy|2\n\n")
    (folder / "u.item").write_text(
        "1|Toy Story (1995)|01-Jan-1995||http://x|0|1|1\n2|unknown||||1|0|0\n", encoding="latin-1"
    )
    (folder / "u.user").write_text("1|24|M|technician|85711\n2|53|F|other|94043\n")
    (folder / "u1.base").write_text("1\t1\t5\t874965758\n")
    (folder / "u1.test").write_text("2\t2\t3\t876893171\n")
    return folder


def test_the_csv_form(csv_form):
    data = load_movielens("25m", path=csv_form)
    table = data.item_table
    assert data.items.ids.to_list() == [1, 7, 296]
    assert table["title"].to_list() == ["Toy Story (1995)", "No Year", "Misérables, Les (1995)"]
    assert table["year"].to_list() == [1995.0, None, 1995.0]
    assert table["genres"].to_list() == [["Adventure", "Comedy"], ["Drama"], []]
    assert table["tags"].to_list() == [["pixar", "fun"], [], []]
    assert data.interactions.weight.tolist() == [5.0, 3.5]
    assert data.interactions.time.tolist() == [1147880044000, 1147868817000]
    assert data.feedback == "ratings"
    assert data.name == "MovieLens 25m"
    assert "MovieLens 25m was published with 25,000,095 ratings; this copy has 2" in data.notes.steps


def test_the_dat_form_with_latin_1_and_quotes_in_titles(dat_form):
    data = load_movielens("1m", path=dat_form)
    assert data.titles().to_list() == ['"Great Performances" Cats (1998)', "Café: Lumière (2003)"]
    assert data.item_table["genres"].to_list() == [["Musical"], ["Drama", "Romance"]]
    assert data.user_table.row(0, named=True) == {
        "user_id": 1,
        "gender": "F",
        "age": "under 18",
        "occupation": "student (K-12)",
        "zip_code": "48067",
    }
    assert Feature("age", "categorical") in data.user_features


def test_the_form_of_100k(data_form):
    data = load_movielens("100k", path=data_form)
    assert data.item_table["genres"].to_list() == [["Action", "Comedy"], []]
    assert data.item_table["year"].to_list() == [1995.0, None]
    assert data.user_table["age"].to_list() == [24.0, 53.0]
    assert Feature("age", "number") in data.user_features


def test_a_zip_is_read_too(csv_form, tmp_path):
    packed = tmp_path / "packed.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for file in csv_form.iterdir():
            archive.write(file, f"ml-25m/{file.name}")
    data = load_movielens("25m", path=packed)
    assert len(data) == 2
    assert data.notes.sources == (str(packed / "ratings.csv"),)


def test_folds(data_form):
    (split,) = movielens_folds(data_form, folds=("u1",))
    assert (len(split.train), len(split.test)) == (1, 1)
    assert (split.train.n_users, split.train.n_items) == (2, 2)
    assert split.rule == "Given: the official fold u1 of MovieLens 100K."
    with pytest.raises(DataError, match="path must hold u2.base and u2.test of MovieLens 100K"):
        movielens_folds(data_form)


def test_wrong_calls(tmp_path):
    with pytest.raises(InvalidValue, match="size must be one of 100k, 1m, .*latest-small. Got '3m'"):
        load_movielens("3m")
    with pytest.raises(DataError, match="path must be a folder or zip that is there"):
        load_movielens("1m", path=tmp_path / "no")
    with pytest.raises(DataError, match="path must hold the files of a MovieLens set"):
        load_movielens("1m", path=tmp_path)
    not_zip = tmp_path / "x.zip"
    not_zip.write_text("no zip")
    with pytest.raises(DataError, match="must be a whole zip file"):
        load_movielens("1m", path=not_zip)


def test_latest_small_is_bundled_and_whole():
    data = load_movielens()
    assert (len(data), data.n_users, data.n_items) == (100_836, 610, 9_742)
    assert len(set(data.interactions.item.tolist())) == 9_724
    assert data.titles()[0] == "Toy Story (1995)"
    assert not any("published" in step for step in data.notes.steps)


def test_a_set_at_home_is_found(csv_form, monkeypatch):
    monkeypatch.setenv("RECSMITH_DATA", str(csv_form.parent))
    assert len(load_movielens("ml-25m")) == 2


def test_100k_as_published():
    data = load_movielens("100k", path=real("ml-100k"))
    assert (len(data), data.n_users, data.n_items) == (100_000, 943, 1_682)
    assert "Misérables, Les (1995)" in data.titles().to_list()
    assert data.user_table["occupation"].n_unique() == 21


def test_folds_of_100k_as_published():
    splits = movielens_folds(real("ml-100k"))
    assert [(len(split.train), len(split.test)) for split in splits] == [(80_000, 20_000)] * 5
    whole = {(u, i) for split in splits for u, i in zip(split.test.user.tolist(), split.test.item.tolist())}
    assert len(whole) == 100_000


def test_1m_as_published():
    data = load_movielens("1m", path=real("ml-1m"))
    assert (len(data), data.n_users, data.n_items) == (1_000_209, 6_040, 3_883)
    counts = [int((data.interactions.weight == stars).sum()) for stars in range(1, 6)]
    assert counts == [56_174, 107_557, 261_197, 348_971, 226_310]
    assert data.item_table["year"].null_count() == 0
    assert data.item_table["title"].str.contains("Misérables").any()
