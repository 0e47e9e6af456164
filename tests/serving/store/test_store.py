"""Store: all or nothing, none twice, newest last; the same on both databases."""

import sqlite3
import threading

import pytest
import sqlalchemy as sa

from recsmith.errors import DataError, InvalidValue
from recsmith.serving.records import Event, Item
from recsmith.serving.store import Store, StoreFull
from recsmith.serving.store.tables import metadata


def test_events_come_back_in_order_of_time_then_of_coming(store):
    store.add_events([Event("u", "b", 2, 20, "2"), Event("u", "a", 1, 10, "1"), Event("u", "c", 3, 20, "3")])
    store.add_events([Event("v", "a", 1, 5, "4")])
    assert [(e.item_id, e.weight, e.time) for e in store.history("u", limit=9)] == [
        ("a", 1.0, 10),
        ("b", 2.0, 20),
        ("c", 3.0, 20),
    ]
    assert [e.item_id for e in store.history("u", limit=2)] == ["b", "c"]  # the newest are kept
    assert store.history("nobody", limit=9) == []


def test_an_event_counts_once(store):
    assert store.add_events([Event("u", "a", event_id="x"), Event("u", "b", event_id="x")]) == 1
    assert store.add_events([Event("u", "a", event_id="x"), Event("u", "c", event_id="y")]) == 1
    assert [e.item_id for e in store.history("u", limit=9)] == ["a", "c"]
    assert store.count_events() == 2


def test_newest_grows_with_a_persons_events_alone(store):
    assert store.newest("u") == 0
    store.add_events([Event("u", "a", event_id="1")])
    first = store.newest("u")
    store.add_events([Event("v", "a", event_id="2")])
    assert store.newest("u") == first < store.newest("v") == store.last_seq()
    assert store.count_events(through=first) == 1


def test_items_are_replaced_and_the_version_tells_who_has_seen_them(store):
    first = store.put_items([Item("a", "A"), Item("b", "B", {"genres": ["x"]}, in_stock=False)])
    second = store.put_items([Item("a", "A2")])
    assert [i.item_id for i in store.items_since(0)] == ["b", "a"]
    assert [(i.item_id, i.title) for i in store.items_since(first)] == [("a", "A2")]
    assert store.items_since(second) == []
    b = store.item("b")
    assert (b.data, b.in_stock) == ({"genres": ["x"]}, False)
    store.put_items([Item("b", "B", deleted=True)])
    assert store.item("b") is None
    assert store.add_missing_items(["a", "zz", "zz"]) == 1
    assert store.item("zz").title == "zz"


def test_an_item_keeps_the_day_it_was_added(store):
    store.put_items([Item("a", "A", created=123)])
    store.put_items([Item("a", "B", created=999)])
    assert store.item("a").created == 123


def test_who_is_erased_is_in_no_table(store):
    store.add_events([Event("ann", "a", event_id="1"), Event("bob", "a", event_id="2")])
    store.put_user("ann", data={"age": 3}, blocked=["b"])
    store.add_shown(
        [{"user_id": "ann", "time": 1, "variant": "a", "version": "1", "items": ["a"], "propensities": None}]
    )
    assert store.user("ann") == ({"age": 3}, ["b"])
    assert store.rows_of("ann") == 3
    assert store.erase_user("ann") == {"events": 1, "users": 1, "shown": 1}
    assert store.rows_of("ann") == 0
    assert store.rows_of("bob") == 1


def test_who_is_erased_is_not_in_the_file_either(tmp_path):
    file = tmp_path / "store.db"
    store = Store(f"sqlite:///{file}")
    name = "a-name-that-stands-nowhere-else"
    store.add_events([Event(name, "a", event_id=str(i)) for i in range(50)])
    store.put_user(name, data={"mail": "known-to-nobody"})
    store._flush_log()
    assert name.encode() in file.read_bytes()
    store.erase_user(name)
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert name.encode() not in left
    assert b"known-to-nobody" not in left
    store.close()


def test_two_writers_at_once_lose_nothing(url):
    stores = [Store(url), Store(url)]

    def write(which):
        for n in range(40):
            stores[which].add_events(
                [Event(f"u{which}", str(n), event_id=f"{which}-{n}"), Event("both", "x", event_id=str(n))]
            )
            stores[which].put_items([Item(f"{which}-{n}", "t")])

    threads = [threading.Thread(target=write, args=(which,)) for which in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stores[0].count_events() == 120
    assert len(stores[1].items_since(0)) == 80
    assert stores[0].fact("catalogue") == 80
    for one in stores:
        one.close()


def test_a_call_is_kept_whole_or_not_at_all(store):
    with pytest.raises(DataError):
        store.add_events([Event("u", "a", event_id="1"), Event("u", None, event_id="2")])
    assert store.count_events() == 0


def test_a_full_disk_is_said_and_keeps_nothing_of_the_call(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 's.db'}")
    store.add_events([Event("u", "a", event_id="first")])
    with store.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    store.engine.dispose()

    @sa.event.listens_for(store.engine, "connect")
    def _small(connection, _):
        connection.execute(f"PRAGMA max_page_count={pages}")

    with pytest.raises(StoreFull, match="must have room"):
        store.add_events([Event("u", "x" * 100, event_id=str(n)) for n in range(500)])
    assert store.count_events() == 1
    store.close()


def test_the_migrations_make_the_tables_that_the_code_has(store):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_store_of_a_newer_recsmith_is_left_alone(tmp_path):
    url = f"sqlite:///{tmp_path / 's.db'}"
    Store(url).close()
    with sqlite3.connect(tmp_path / "s.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(DataError, match="Got 9999. Upgrade recsmith"):
        Store(url)


@pytest.mark.parametrize("bad", ["nonsense", "sqlite://", "mysql://x/y"])
def test_a_store_must_be_named_well(bad):
    with pytest.raises(InvalidValue, match="store must be"):
        Store(bad)
