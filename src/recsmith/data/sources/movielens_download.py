"""Fetches MovieLens sets: a download with a known checksum, and an unpacking that stays in its folder."""

from __future__ import annotations

import re
import shutil
import stat
import zipfile
from pathlib import Path, PurePosixPath

from recsmith.errors import DataError, require
from recsmith.storage import folder_aside

ADDRESS = "https://files.grouplens.org/datasets/movielens/"

# MD5 sums as GroupLens publishes them beside the files (…zip.md5).
MD5 = {
    "100k": "0e33842e24a9c977be4e0107933c0723",
    "1m": "c4d9eecfca2ab87c1945afe126590906",
    "10m": "ce571fd55effeba0271552578f2648bd",
    "20m": "cd245b17a1ae2cc31bb14903e1204af3",
    "25m": "6b51fb2759a8657d3bfcbfc42b592ada",
    "32m": "d472be332d4daa821edc399621853b57",
}
_MARK = "unpacked-from.md5"
_LARGEST = 8 * 2**30  # bytes unpacked; the largest set takes a tenth of it
_WITHIN = (".csv", ".dat", ".data", ".item", ".user", ".genre", ".base", ".test", ".info", ".occupation")


def fetch(key: str, *, cache: Path | None = None, address: str = ADDRESS) -> Path:
    """Returns the folder of a set, downloaded and unpacked once into the user's cache folder.

    A set that grows (latest) is asked after each time; without a network the copy that is there serves.
    Raises `DataError`, with the address and what to do, when the network or the checksum fails.
    """
    pooch = require("pooch", extra="all")
    home = cache or Path(pooch.os_cache("recsmith"))
    name = f"ml-{key}.zip"
    folder = home / f"ml-{key}"
    if key in MD5 and _rated(folder):
        return _rated(folder) or folder
    try:
        md5 = MD5.get(key) or _published_md5(address + name)
    except DataError:
        if _rated(folder):
            return _rated(folder) or folder
        raise
    if _rated(folder) and _unpacked_from(folder) == md5:
        return _rated(folder) or folder
    try:
        packed = Path(pooch.retrieve(address + name, known_hash=f"md5:{md5}", fname=name, path=home))
    except ValueError as error:
        raise DataError(
            f"{address}{name} must have the published checksum {md5}. Got another: {error}."
        ) from error
    except OSError as error:
        raise DataError(_offline(key, address + name, error)) from error
    with folder_aside(folder) as aside:
        unpack(packed, aside)
        (aside / _MARK).write_text(md5, encoding="ascii")
    return _rated(folder) or folder


def _unpacked_from(folder: Path) -> str:
    """Returns the checksum of the file that a cached folder came from."""
    mark = folder / _MARK
    return mark.read_text(encoding="ascii") if mark.is_file() else ""


def unpack(packed: Path, folder: Path) -> None:
    """Unpacks the data files of a zip into a folder, in their own subfolders.

    Raises `DataError` for a file that is no whole zip, and for a member that would land outside the folder,
    is a link, or is absurdly large.
    """
    folder.mkdir(parents=True, exist_ok=True)
    root = folder.resolve()
    try:
        with zipfile.ZipFile(packed) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if sum(member.file_size for member in members) > _LARGEST:
                raise DataError(f"{packed} must unpack to less than {_LARGEST / 2**30:.0f} GiB. Got more.")
            for member in members:
                inside = PurePosixPath(member.filename.replace("\\", "/"))
                target = (root / inside).resolve()
                linked = stat.S_ISLNK(member.external_attr >> 16)
                if inside.is_absolute() or linked or root not in target.parents:
                    raise DataError(
                        f"{packed} must hold files that stay in its folder. Got {member.filename!r}."
                    )
                if target.suffix.lower() in _WITHIN:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with archive.open(member) as source, target.open("wb") as copy:
                        shutil.copyfileobj(source, copy)
    except (zipfile.BadZipFile, EOFError) as error:
        raise DataError(f"{packed} must be a whole zip file. Got: {error}. Fetch it again.") from error


def _rated(folder: Path) -> Path | None:
    """Returns the folder inside that has the ratings; archives have one folder more."""
    for name in ("ratings.csv", "ratings.dat", "u.data"):
        for found in [folder / name, *sorted(folder.glob(f"*/{name}"))]:
            if found.is_file():
                return found.parent
    return None


def _published_md5(url: str) -> str:
    """Reads the checksum that is published beside a set that grows."""
    import requests

    try:
        answer = requests.get(f"{url}.md5", timeout=30)
        answer.raise_for_status()
    except OSError as error:
        raise DataError(_offline(url.rsplit("ml-")[-1].removesuffix(".zip"), url, error)) from error
    found = re.search(r"\b[0-9a-f]{32}\b", answer.text)
    if found is None:
        raise DataError(f"{url}.md5 must give a checksum. Got {answer.text[:60]!r}.")
    return found.group()


def _offline(key: str, url: str, error: Exception) -> str:
    said = type(error).__name__
    return (
        f"MovieLens {key} must be downloaded, and the network did not let it ({said}). "
        f'Fetch {url} where you can, then say path="ml-{key}.zip" (or the folder it unpacks to). '
        "latest-small comes with recsmith and needs no network."
    )
