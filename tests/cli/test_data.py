"""data summary and data crosstab: what is in somebody's own file."""

import pytest

COLUMNS = ("--user", "customer", "--item", "sku", "--weight", "stars", "--time", "ordered_at")


def test_a_file_is_summed_up(recsmith, shop):
    result = recsmith("data", "summary", "orders.csv", *COLUMNS, "--json")
    assert result.status == 0, result.err
    found = result.json
    assert found["n_users"] == 60
    assert found["feedback"] == "ratings"
    assert found["refused"] == {}
    assert result.err == ""


def test_it_is_shown_with_bars(recsmith, shop):
    result = recsmith("data", "summary", "orders.csv", *COLUMNS, "--separator", ";")
    assert "Interactions" in result.out
    assert "█" in result.out


def test_usual_names_need_not_be_said(recsmith, shop):
    log = (shop / "orders.csv").read_text(encoding="utf-8")
    usual = log.replace("ordered_at;customer;sku;stars", "timestamp;user_id;item_id;rating")
    (shop / "usual.csv").write_text(usual, encoding="utf-8")
    assert recsmith("data", "summary", "usual.csv", "--json").json["n_users"] == 60


def test_a_recipe_names_its_data(recsmith, shop):
    assert recsmith("data", "summary", "shop.toml", "--json").json["n_catalogue"] == 40


def test_the_bundled_log_has_a_name(recsmith, shop):
    assert recsmith("data", "summary", "latest-small", "--json").json["n_interactions"] == 100_836


def test_bad_rows_are_named_by_line_or_set_aside(recsmith, shop):
    with (shop / "orders.csv").open("a", encoding="utf-8") as log:
        log.write("1600000000;7;i001;many\n")
    refused = recsmith("data", "summary", "orders.csv", *COLUMNS)
    assert refused.status == 1
    assert "line" in refused.err
    assert "many" in refused.err
    set_aside = recsmith("data", "summary", "orders.csv", *COLUMNS, "--on-bad-rows", "quarantine", "--json")
    assert set_aside.status == 0
    assert sum(set_aside.json["refused"].values()) == 1


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("absent.csv",), 1, "path must be a file that is there. Got 'absent.csv'."),
        (("orders.csv", "--user", "custmer"), 1, "Did you mean 'customer'?"),
        (("orders.csv", *COLUMNS, "--separator", ","), 1, "separator"),
        (("orders.csv", "--format", "movielens", "--user", "x"), 2, "MovieLens has columns of its own"),
        (("orders.csv", "--format", "xml"), 2, "xml"),
    ],
)
def test_what_cannot_be_read_is_answered_with_the_cure(recsmith, shop, words, status, message):
    result = recsmith("data", "summary", *words)
    assert result.status == status
    assert message in result.err
    assert "Traceback" not in result.err


def test_the_cross_table_is_a_workbook(recsmith, shop):
    openpyxl = pytest.importorskip("openpyxl", reason="reads the workbook back")
    words = ("data", "crosstab", "orders.csv", *COLUMNS, "--no-progress")
    result = recsmith(*words, "--out", "x.xlsx", "-n", "4", "--json")
    assert result.status == 0, result.err
    assert result.json["out"] == "x.xlsx"
    assert len(result.json["predicted"]) == 4
    sheets = openpyxl.load_workbook("x.xlsx").sheetnames
    assert sheets == ["actual", "predicted", "error", "user factors", "item factors"]
    assert recsmith(*words, "--out", "x.xlsx").status == 2
    assert recsmith(*words, "--out", "x.xlsx", "--overwrite", "--factors", "0").status == 0
    assert openpyxl.load_workbook("x.xlsx").sheetnames == ["actual"]


def test_the_cross_table_can_be_looked_at(recsmith, shop):
    result = recsmith("data", "crosstab", "orders.csv", *COLUMNS, "-n", "3")
    assert result.status == 0
    assert len([line for line in result.out.splitlines() if line.strip()]) == 5
