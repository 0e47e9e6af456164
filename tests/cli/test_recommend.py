"""recommend, similar, explain: for people the model knows, for somebody new, for everyone."""

import json

import polars as pl
import pytest

MODEL = ("--model", "runs/shop")


def test_a_known_person_gets_a_list_with_reasons(recsmith, shop):
    result = recsmith("recommend", *MODEL, "--user", "1", "-k", "3", "--json")
    assert result.status == 0
    lines = result.json["recommendations"]
    assert [line["rank"] for line in lines] == [1, 2, 3]
    assert list(lines[0]) == ["item_id", "title", "score", "rank", "because"]
    assert lines[0]["title"].startswith("Film ")
    assert set(lines[0]["because"][0]) == {"item_id", "title", "weight"}
    assert result.err == ""


def test_several_people_come_as_users(recsmith, shop):
    result = recsmith("recommend", *MODEL, "--user", "1", "--user", "2", "-k", "2", "--json")
    users = result.json["users"]
    assert [user["user_id"] for user in users] == [1, 2]
    assert all(len(user["recommendations"]) == 2 for user in users)


def test_one_by_one_is_the_same_as_together(recsmith, shop):
    both = recsmith("recommend", *MODEL, "--user", "1", "--user", "2", "--json").json["users"]
    alone = recsmith("recommend", *MODEL, "--user", "2", "--json").json
    assert both[1]["recommendations"] == alone["recommendations"]


def test_a_new_person_names_titles_in_any_case(recsmith, shop):
    result = recsmith("recommend", *MODEL, "--likes", "FILM 1 of GENRE 1", "--likes", "id:i005", "--json")
    lines = result.json["recommendations"]
    assert lines[0]["title"].endswith("genre 1")
    assert {reason["item_id"] for reason in lines[0]["because"]} <= {"i001", "i005"}
    assert not {"i001", "i005"} & {line["item_id"] for line in lines}


def test_a_misspelt_title_is_answered_with_suggestions(recsmith, shop):
    result = recsmith("recommend", *MODEL, "--likes", "Flim 1 of gerne 1")
    assert result.status == 1
    assert 'Did you mean "Film 1 of genre 1"' in result.err
    assert result.out == ""


def test_the_table_shows_titles_and_reasons(recsmith, shop):
    result = recsmith("recommend", *MODEL, "--user", "1", "-k", "3")
    assert "For user 1" in result.out
    assert "because of" in result.out
    assert "Film " in result.out


@pytest.mark.parametrize(
    ("policy", "status", "n_lists"), [("error", 1, 0), ("popular", 0, 2), ("skip", 0, 1)]
)
def test_each_policy_for_somebody_unknown(recsmith, shop, policy, status, n_lists):
    result = recsmith("recommend", *MODEL, "--user", "1", "--user", "999", "--unknown", policy, "--json")
    assert result.status == status
    if status:
        assert "user_id must be known to the model. Got '999'. Give --unknown popular or skip" in result.err
        return
    users = result.json["users"]
    assert len(users) == n_lists
    assert all(line["because"] == [] for user in users[1:] for line in user["recommendations"])


def test_somebody_unknown_alone_and_skipped_gets_an_empty_list(recsmith, shop):
    result = recsmith("recommend", *MODEL, "--user", "999", "--unknown", "skip", "--json")
    assert result.json == {"recommendations": []}
    plain = recsmith("recommend", *MODEL, "--user", "999", "--unknown", "skip")
    assert plain.out.strip() == "Nothing left to recommend for user 999."


@pytest.mark.parametrize("k", ["0", "-3"])
def test_no_list_is_shorter_than_one(recsmith, shop, k):
    result = recsmith("recommend", *MODEL, "--user", "1", "-k", k)
    assert result.status == 2
    assert f"k must be a whole number, 1 or more. Got {k}." in result.err


def test_a_list_is_never_longer_than_what_there_is(recsmith, shop):
    lines = recsmith("recommend", *MODEL, "--user", "1", "-k", "1000", "--json").json["recommendations"]
    assert 0 < len(lines) < 40
    assert len({line["item_id"] for line in lines}) == len(lines)


def test_seen_items_come_back_only_when_asked(recsmith, shop):
    plain = recsmith("recommend", *MODEL, "--user", "1", "-k", "40", "--json").json["recommendations"]
    every = recsmith("recommend", *MODEL, "--user", "1", "-k", "40", "--include-seen", "--json").json
    assert len(every["recommendations"]) > len(plain)


def test_everyone_goes_into_a_file(recsmith, shop):
    result = recsmith(
        "recommend", *MODEL, "--all", "--out", "all.parquet", "-k", "5", "--json", "--no-progress"
    )
    assert result.status == 0
    frame = pl.read_parquet("all.parquet")
    assert frame.columns == ["user_id", "item_id", "score", "rank"]
    assert result.json == {"out": "all.parquet", "n_users": 60, "n_rows": len(frame)}
    assert result.err == ""
    first = recsmith("recommend", *MODEL, "--user", "1", "-k", "5", "--json").json["recommendations"]
    mine = frame.filter(user_id=1)
    assert mine["item_id"].to_list() == [line["item_id"] for line in first]
    assert mine["rank"].to_list() == [1, 2, 3, 4, 5]
    assert mine["score"].to_list() == [line["score"] for line in first]


def test_everyone_goes_into_csv_by_the_ending(recsmith, shop):
    for name in ("all.csv", "all.parquet"):
        assert recsmith("recommend", *MODEL, "--all", "--out", name, "-k", "2", "--no-progress").status == 0
    table = pl.read_parquet("all.parquet")
    assert (
        pl.read_csv("all.csv", schema=table.schema)
        .select("user_id", "item_id", "rank")
        .equals(table.select("user_id", "item_id", "rank"))
    )


def test_an_empty_list_keeps_its_columns_in_a_file(recsmith, shop):
    words = ("--user", "nobody", "--unknown", "skip", "--out", "none.csv")
    assert recsmith("recommend", *MODEL, *words).status == 0
    assert pl.read_csv("none.csv").columns == ["user_id", "item_id", "title", "score", "rank"]


def test_brackets_in_titles_and_ids_are_no_markup(recsmith, shop):
    goods = pl.read_csv("goods.csv", schema_overrides={"sku": pl.String})
    named = goods.with_columns(name=pl.format("[/i] {} [b]", "name"))
    named.write_csv("goods.csv")
    assert recsmith("train", "shop.toml", "--out", "odd", "--no-report").status == 0
    for words in (("recommend", "--user", "1"), ("similar", "--item", "i001"),
                  ("explain", "--user", "1", "--item", "i001")):  # fmt: skip
        result = recsmith(words[0], "--model", "odd", *words[1:])
        assert result.status == 0, result.err
        assert "[/i] Film" in result.out


def test_a_file_that_is_there_stays_unless_replaced(recsmith, shop):
    (shop / "all.parquet").write_text("mine", encoding="utf-8")
    assert recsmith("recommend", *MODEL, "--all", "--out", "all.parquet").status == 2
    assert (shop / "all.parquet").read_text(encoding="utf-8") == "mine"
    assert recsmith("recommend", *MODEL, "--all", "--out", "all.parquet", "--overwrite").status == 0
    assert len(pl.read_parquet("all.parquet")) > 0


def test_some_lists_can_go_into_a_file_too(recsmith, shop):
    assert recsmith("recommend", *MODEL, "--user", "1", "--out", "mine.csv", "-k", "2").status == 0
    assert pl.read_csv("mine.csv").columns == ["user_id", "item_id", "title", "score", "rank"]


@pytest.mark.parametrize(
    "words",
    [[], ["--user", "1", "--likes", "Film"], ["--user", "1", "--all", "--out", "x.parquet"], ["--all"]],
)
def test_whom_for_must_be_said_in_one_way(recsmith, shop, words):
    result = recsmith("recommend", *MODEL, *words)
    assert result.status == 2
    assert "Give one of --user, --likes, --all." in result.err or "--all needs --out" in result.err


@pytest.mark.parametrize("words", [["--likes", "Film"], ["--all", "--out", "x.parquet"]])
def test_a_policy_for_the_unknown_that_would_do_nothing_is_refused(recsmith, shop, words):
    result = recsmith("recommend", *MODEL, *words, "--unknown", "skip")
    assert result.status == 2
    assert "--unknown goes with --user" in result.err


def test_similar_takes_an_id_or_a_title(recsmith, shop):
    by_id = recsmith("similar", *MODEL, "--item", "i001", "-k", "4", "--json").json
    assert by_id["title"] == "Film 1 of genre 1"
    assert [line["rank"] for line in by_id["similar"]] == [1, 2, 3, 4]
    assert "i001" not in {line["item_id"] for line in by_id["similar"]}
    assert recsmith("similar", *MODEL, "--item", "film 1 of genre 1", "-k", "4", "--json").json == by_id
    assert "Like Film 1 of genre 1" in recsmith("similar", *MODEL, "--item", "i001").out


def test_explain_adds_up(recsmith, shop):
    top = recsmith("recommend", *MODEL, "--user", "1", "-k", "1", "--json").json["recommendations"][0]
    told = recsmith("explain", *MODEL, "--user", "1", "--item", top["item_id"], "-k", "3", "--json").json
    parts = told["base"] + told["rest"] + sum(reason["weight"] for reason in told["because"])
    assert told["score"] == pytest.approx(top["score"], rel=1e-4)
    assert parts == pytest.approx(told["score"], rel=1e-4)
    assert len(told["because"]) == 3
    assert (
        "everything else"
        in recsmith("explain", *MODEL, "--user", "1", "--item", top["item_id"], "-k", "3").out
    )


def test_explain_answers_for_somebody_new(recsmith, shop):
    told = recsmith("explain", *MODEL, "--likes", "Film 1 of genre 1", "--item", "i005", "--json").json
    assert [reason["item_id"] for reason in told["because"]] == ["i001"]


@pytest.mark.parametrize("words", [["--user", "999"], ["--user", "1", "--item", "nothing like it"]])
def test_explain_refuses_what_it_does_not_know(recsmith, shop, words):
    given = words if "--item" in words else [*words, "--item", "i001"]
    result = recsmith("explain", *MODEL, *given)
    assert result.status == 1
    assert "must be known to the model" in result.err
    assert "unknown=" not in result.err, "that is Python, and explain has no such option"


@pytest.mark.parametrize("command", ["similar", "explain"])
def test_a_model_without_the_gift_says_which_have_it(recsmith, shop, command):
    assert (
        recsmith(
            "train", "shop.toml", "--set", "model={class='Popular'}", "--out", "pop", "--no-report"
        ).status
        == 0
    )
    words = ["--user", "1"] if command == "explain" else []
    result = recsmith(command, "--model", "pop", "--item", "i001", *words)
    assert result.status == 2
    assert "model must be one that" in result.err
    assert "Got Popular." in result.err


def test_a_bare_model_folder_serves_too(recsmith, shop):
    by_run = recsmith("recommend", *MODEL, "--user", "1", "--json").json
    assert recsmith("recommend", "--model", "runs/shop/model", "--user", "1", "--json").json == by_run


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("absent", "must be a model folder. Got no model.json there."),
        ("missing", "The folder is incomplete."),
        ("altered", "Got another checksum. The file was altered."),
        ("newer", "Upgrade: pip install -U recsmith"),
    ],
)
def test_a_damaged_model_is_refused(recsmith, shop, damage, message):
    model = shop / "runs" / "shop" / "model"
    if damage == "absent":
        (model / "model.json").unlink()
    elif damage == "missing":
        (model / "items.parquet").unlink()
    elif damage == "altered":
        with (model / "items.parquet").open("ab") as file:
            file.write(b"x")
    else:
        described = json.loads((model / "model.json").read_text(encoding="utf-8"))
        described["format"] += 1
        (model / "model.json").write_text(json.dumps(described), encoding="utf-8")
    result = recsmith("recommend", *MODEL, "--user", "1")
    assert result.status == 1
    assert message in result.err.replace("\n", " ")
    assert "Traceback" not in result.err
