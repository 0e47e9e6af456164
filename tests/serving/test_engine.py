"""Engine: the same list as the model's own; hot, warm, cold; new items; people who are gone."""

import numpy as np
import pytest

from recsmith.errors import UnknownId
from recsmith.models import IALS, ItemKNN, Popular
from recsmith.models.base import load
from recsmith.serving.records import Event, Item
from recsmith.serving.versions import Versions


def ids(answer):
    return [line["item_id"] for line in answer.lines]


def test_a_known_person_gets_what_the_model_says(engine, fitted):
    for user in (1, 2, 17):
        own = fitted.recommend([user], k=7)
        answer = engine.recommend(str(user), k=7)
        assert tuple(ids(answer)) == own.item_ids[0]
        assert np.allclose([line["score"] for line in answer.lines], own.scores[0])
        assert answer.fallback == ""


def test_a_persons_first_event_changes_the_next_answer(engine, fitted):
    cold = engine.recommend("new", k=5)
    assert cold.fallback == "no history: popular items"
    assert {line["source"] for line in cold.lines} == {"popular"}
    engine.add_events([Event("new", "i000", 5.0, event_id="1"), Event("new", "i004", 5.0, event_id="2")])
    warm = engine.recommend("new", k=5)
    own = fitted.recommend(histories=[{"i000": 5.0, "i004": 5.0}], k=5)
    assert tuple(ids(warm)) == own.item_ids[0]
    assert warm.fallback == ""


def test_a_known_person_with_a_new_event_is_folded_in(engine, fitted):
    before = engine.recommend("3", k=10)
    engine.add_events([Event("3", str(before.lines[0]["item_id"]), 5.0, event_id="1")])
    after = engine.recommend("3", k=10)
    assert before.lines[0]["item_id"] not in ids(after)
    row = fitted.memory.histories.take(np.array([2]))
    history = dict(zip(fitted.memory.items.decode(row.item), row.weight.tolist(), strict=True))
    own = fitted.recommend(histories=[{**history, before.lines[0]["item_id"]: 5.0}], k=10)
    assert tuple(ids(after)) == own.item_ids[0]


def test_an_event_of_another_process_counts_at_once(engine, url):
    from recsmith.serving.store import Store

    engine.recommend("5", k=3)  # a copy is kept now
    other = Store(url)
    taken = engine.recommend("5", k=1).lines[0]["item_id"]
    other.add_events([Event("5", str(taken), event_id="elsewhere")])
    other.close()
    assert taken not in ids(engine.recommend("5", k=10))


def test_a_new_item_is_recommended_at_once_by_its_words(engine):
    liked = engine.world.catalogue.items[0]
    engine.put_items([Item("900", "Brand new", dict(liked.data))])
    answer = engine.recommend_history([Event("", "i000", 5.0), Event("", "i004", 5.0)], k=10)
    line = next(line for line in answer.lines if line["item_id"] == "900")
    assert line["source"] == "new"
    assert len(answer.lines) == 10
    engine.put_items([Item("900", "Brand new", dict(liked.data), in_stock=False)])
    assert "900" not in ids(engine.recommend_history([Event("", "i000", 5.0)], k=10))


def test_what_is_deleted_or_out_of_stock_does_not_come(engine):
    first = engine.recommend("2", k=2).lines
    engine.put_items(
        [
            Item(str(first[0]["item_id"]), "x", in_stock=False),
            Item(str(first[1]["item_id"]), "y", deleted=True),
        ]
    )
    assert not {line["item_id"] for line in first} & set(ids(engine.recommend("2", k=30)))
    with pytest.raises(UnknownId):
        engine.similar(str(first[1]["item_id"]), k=3)


def test_filters_hold_for_every_line(engine):
    catalogue = engine.world.catalogue
    name = next(iter(catalogue.members))
    inside = {catalogue.ids[at] for at in catalogue.members[name]}
    assert set(ids(engine.recommend("2", k=30, categories=(name,)))) <= inside
    assert (
        not set(ids(engine.recommend("2", k=30, where={"not": {"field": "genres", "contains": name}})))
        & inside
    )
    blocked = ids(engine.recommend("2", k=3))
    engine.store.put_user("2", data={}, blocked=[str(one) for one in blocked])
    assert not set(ids(engine.recommend("2", k=30))) & set(blocked)


def test_reasons_are_the_models_own(engine, fitted):
    answer = engine.recommend("1", k=3, explain=True)
    told = fitted.explain_list(1, ids(answer), k=2)
    for line, one in zip(answer.lines, told, strict=True):
        assert [why["item_id"] for why in line["because"]] == [reason.item_id for reason in one.because]
        assert np.allclose(
            [why["weight"] for why in line["because"]], [r.weight for r in one.because], rtol=1e-4
        )


def test_an_explanation_has_the_models_score(engine, fitted):
    item = engine.recommend("1", k=1).lines[0]
    assert engine.explain("1", str(item["item_id"]))["score"] == pytest.approx(item["score"], rel=1e-5)
    assert engine.explain("nobody", "i003")["score"] is None


def test_similar_items_are_the_models_or_by_words(engine, fitted):
    own = fitted.similar_items("i000", k=5)
    assert [line["item_id"] for line in engine.similar("i000", k=5)] == [one.item_id for one in own]
    engine.put_items([Item("900", "New", dict(engine.world.catalogue.items[0].data))])
    assert engine.similar("900", k=3)


def test_a_new_version_is_taken_up_whole_and_given_back(engine, versions, fitted):
    assert not engine.look_around()
    other = Popular().fit(fitted_data(fitted))
    version = versions.publish(other, {})
    assert engine.look_around()
    assert engine.world.version == version
    assert isinstance(engine.world.model, Popular)
    assert versions.roll_back() == "000002"
    assert engine.look_around()
    assert isinstance(engine.world.model, IALS)


def test_only_the_last_versions_are_kept(versions, fitted):
    for _ in range(4):
        versions.publish(fitted, {})
    assert versions.names() == ["000003", "000004", "000005"]


def test_items_of_another_process_are_taken_up(engine, url):
    from recsmith.serving.store import Store

    other = Store(url)
    other.put_items([Item("901", "Elsewhere", dict(engine.world.catalogue.items[0].data))])
    other.close()
    engine.look_around()
    assert engine.place("901") == engine.world.catalogue.n_model


def test_who_is_erased_is_in_no_store_no_version_and_no_list(tmp_path, url):
    """The id is a word that stands nowhere else, so that its bytes can be looked for."""
    from recsmith.serving.engine import Engine, first_load
    from recsmith.serving.store import Store
    from recsmith.testing.toy import FOUR_PEOPLE, ratings

    name = "somebody-unlike-anybody"
    data = ratings({**FOUR_PEOPLE, name: {"m1": 5.0, "m2": 4.0}})
    place = Versions(tmp_path / "versions")
    for model in (ItemKNN(), IALS(embedding_dim=2, n_epochs=2)):
        place.publish(model.fit(data), {})
    store = Store(url)
    first_load(store, model.memory)
    engine = Engine(store, place)
    before = model.user_vectors([name])
    assert np.abs(before).max() > 0
    receipt = engine.erase_user(name)
    assert receipt["models"] == 2
    assert receipt["rows"]["events"] == 2
    assert receipt["rows_left"] == 0
    store.close()
    for file in (path for path in tmp_path.rglob("*") if path.is_file()):
        assert name.encode() not in file.read_bytes(), file
    for version in place.names():
        left = load(place.folder / version / "model")
        assert name not in left.memory.users
        assert left.memory.popularity.tolist() == [2.0, 2.0, 2.0, 3.0, 2.0]
    assert not np.abs(load(place.folder / place.names()[-1] / "model").user_UD[-1]).max()
    assert engine.recommend("A", k=2).lines
    store.close()


def fitted_data(model):
    from recsmith.testing.toy import tastes

    return tastes()
