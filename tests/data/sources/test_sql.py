"""SQL: SQLite always; PostgreSQL where a server is named."""

import os
import sqlite3

import pytest

from recsmith.data.sources.sql import query_frame, read_sql
from recsmith.errors import BadRows, DataError

pytest.importorskip("sqlalchemy")

ROWS = [("ann", 1, 4.0, 1_000_000_000), ("ann", 2, 5.0, 1_000_000_001), ("bob", 1, None, 1_000_000_002)]
QUERY = "SELECT customer, sku, stars, bought_at FROM orders WHERE stars IS NOT NULL ORDER BY bought_at"
COLUMNS = {"user": "customer", "item": "sku", "weight": "stars", "time": "bought_at"}


@pytest.fixture
def url(tmp_path):
    path = tmp_path / "shop.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE orders (customer TEXT, sku INTEGER, stars REAL, bought_at INTEGER)")
    connection.executemany("INSERT INTO orders VALUES (?, ?, ?, ?)", ROWS)
    connection.commit()
    connection.close()
    return f"sqlite:///{path}"


def test_a_query_is_a_log(url):
    data = read_sql(url, query=QUERY, **COLUMNS)
    assert data.users.ids.to_list() == ["ann"]
    assert data.items.ids.to_list() == [1, 2]
    assert data.interactions.weight.tolist() == [4.0, 5.0]


def test_a_bad_row_is_named_by_its_number(url):
    with pytest.raises(BadRows, match="row 3: stars is empty"):
        read_sql(url, query="SELECT * FROM orders", **COLUMNS)


def test_a_query_that_fails_or_gives_nothing(url):
    with pytest.raises(
        DataError, match="query must be one that sqlite.* can answer. Got: no such table: bills"
    ):
        read_sql(url, query="SELECT * FROM bills")
    with pytest.raises(DataError, match="at least one row"):
        read_sql(url, query="SELECT * FROM orders WHERE stars > 9", **COLUMNS)


def test_a_database_that_is_not_there_is_not_made(tmp_path):
    with pytest.raises(DataError, match="url must lead to a database that is there"):
        query_frame(f"sqlite:///{tmp_path / 'no.db'}", query="SELECT 1")
    assert not (tmp_path / "no.db").exists()


def test_a_url_must_be_one():
    with pytest.raises(
        DataError, match="url must be a database URL such as sqlite:///shop.db. Got 'shop.db'"
    ):
        query_frame("shop.db", query="SELECT 1")


def test_a_password_is_never_shown():
    pytest.importorskip("psycopg")
    with pytest.raises(DataError) as error:
        query_frame("postgresql://ann:secret@127.0.0.1:1/shop?connect_timeout=2", query="SELECT 1")
    assert "secret" not in str(error.value)
    assert "127.0.0.1" in str(error.value)


def test_postgresql():
    address = os.environ.get("RECSMITH_TEST_POSTGRES")
    if not address:
        pytest.skip("no PostgreSQL server named in RECSMITH_TEST_POSTGRES")
    pytest.importorskip("psycopg")
    query = (
        "SELECT * FROM (VALUES ('ann', 1::bigint, 4.0::numeric, timestamptz '2001-09-09 01:46:40+00'),"
        " ('bob', 2, 3.5, '2001-09-09 03:46:41+02')) AS orders (customer, sku, stars, bought_at)"
    )
    data = read_sql(address, query=query, **COLUMNS)
    assert data.users.ids.to_list() == ["ann", "bob"]
    assert data.interactions.weight.tolist() == [4.0, 3.5]
    assert data.interactions.time.tolist() == [1_000_000_000_000, 1_000_000_001_000]


def test_a_driver_that_is_not_installed_is_named():
    with pytest.raises(
        DataError, match="url must be of a database whose driver is installed. Got 'nosuchdb'"
    ):
        query_frame("nosuchdb://localhost/shop", query="SELECT 1")
