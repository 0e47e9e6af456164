"""Downloads: checksums, an unpacking that stays in its folder, and plain words when there is no network."""

import hashlib
import io
import shutil
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from recsmith.data.sources import movielens, movielens_download
from recsmith.data.sources.movielens_download import fetch, unpack
from recsmith.errors import DataError

RATINGS = "userId,movieId,rating,timestamp\n1,1,5.0,1147880044\n"


def packed(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return buffer.getvalue()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path):
    site = tmp_path / "site"
    site.mkdir()
    serving = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
    thread = threading.Thread(target=serving.serve_forever, daemon=True)
    thread.start()
    yield site, f"http://127.0.0.1:{serving.server_port}/"
    serving.shutdown()
    serving.server_close()
    thread.join()


def test_a_set_is_fetched_once_and_its_checksum_verified(server, tmp_path, monkeypatch):
    site, address = server
    content = packed({"ml-1m/ratings.csv": RATINGS, "ml-1m/README": "terms"})
    (site / "ml-1m.zip").write_bytes(content)
    monkeypatch.setitem(movielens_download.MD5, "1m", hashlib.md5(content).hexdigest())
    cache = tmp_path / "cache"
    folder = fetch("1m", cache=cache, address=address)
    assert (folder / "ratings.csv").read_text() == RATINGS
    (site / "ml-1m.zip").unlink()
    assert fetch("1m", cache=cache, address=address) == folder  # no second download


def test_another_checksum_is_refused(server, tmp_path):
    site, address = server
    (site / "ml-1m.zip").write_bytes(packed({"ml-1m/ratings.csv": RATINGS}))
    with pytest.raises(
        DataError, match="ml-1m.zip must have the published checksum c4d9eecfca2ab87c1945afe126590906"
    ):
        fetch("1m", cache=tmp_path / "cache", address=address)
    assert not (tmp_path / "cache" / "ml-1m").exists()


def test_a_set_that_grows_goes_by_the_checksum_beside_it(server, tmp_path):
    site, address = server
    content = packed({"ml-latest/ratings.csv": RATINGS})
    (site / "ml-latest.zip").write_bytes(content)
    (site / "ml-latest.zip.md5").write_text(f"MD5 (ml-latest.zip) = {hashlib.md5(content).hexdigest()}\n")
    assert (fetch("latest", cache=tmp_path / "cache", address=address) / "ratings.csv").is_file()
    (site / "ml-latest.zip.md5").unlink()
    again = fetch("latest", cache=tmp_path / "cache", address=address)
    assert (again / "ratings.csv").is_file(), "without an answer the copy that is there serves"
    shutil.rmtree(tmp_path / "cache")
    (site / "ml-latest.zip.md5").write_text("<html>")
    with pytest.raises(DataError, match="must give a checksum"):
        fetch("latest", cache=tmp_path / "cache", address=address)


@pytest.mark.parametrize("key", ["10m", "latest"])
def test_offline_says_where_to_fetch_it_and_what_to_say(tmp_path, key):
    with pytest.raises(DataError) as error:
        fetch(key, cache=tmp_path, address="http://127.0.0.1:9/")
    message = str(error.value)
    assert f"Fetch http://127.0.0.1:9/ml-{key}.zip where you can" in message
    assert f'path="ml-{key}.zip"' in message
    assert "latest-small comes with recsmith" in message


def test_the_published_sizes_and_checksums_go_together():
    assert set(movielens_download.MD5) <= set(movielens.RATINGS)
    assert all(len(md5) == 32 for md5 in movielens_download.MD5.values())


@pytest.mark.parametrize("name", ["../evil.csv", "/evil.csv", "ml/../../evil.csv", "..\\evil.csv"])
def test_a_member_outside_the_folder_is_refused(tmp_path, name):
    path = tmp_path / "bad.zip"
    path.write_bytes(packed({name: "x"}))
    with pytest.raises(DataError, match="must hold files that stay in its folder"):
        unpack(path, tmp_path / "in" / "here")
    assert not list(tmp_path.rglob("evil.csv"))


def test_a_link_is_refused(tmp_path):
    link = zipfile.ZipInfo("link.csv")
    link.external_attr = 0o120777 << 16
    path = tmp_path / "bad.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(DataError, match="must hold files that stay in its folder"):
        unpack(path, tmp_path / "here")


def test_a_set_too_large_to_be_one_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(movielens_download, "_LARGEST", 10)
    path = tmp_path / "bomb.zip"
    path.write_bytes(packed({"ratings.csv": "x" * 11}))
    with pytest.raises(DataError, match="must unpack to less than"):
        unpack(path, tmp_path / "here")


def test_a_zip_that_is_cut_is_refused(tmp_path):
    path = tmp_path / "cut.zip"
    path.write_bytes(packed({"ratings.csv": RATINGS})[:-30])
    with pytest.raises(DataError, match="must be a whole zip file"):
        unpack(path, tmp_path / "here")
