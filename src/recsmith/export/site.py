"""A static site from a bundle: the built page, the files that it reads, and what its service worker keeps."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from recsmith.errors import InvalidValue, ModelFileError, RecsmithError
from recsmith.export.bundle import Bundle
from recsmith.export.manifest import MANIFEST, FileSpec, Quantize
from recsmith.storage import folder_aside

PAGE = Path(__file__).with_name("page")
"""Where `make web` puts the built page; it comes along in the wheel when it was there at its building."""
CACHE_LIST = "cache-list.js"
RUNTIMES = {"litert": "litert-*.js", "onnx": "onnx-*.js"}
"""Runtime to the page's code for it; its wasm lies in runtime/NAME."""

Runtime = Literal["litert", "onnx", "both"]
Kind = Literal["films", "items"]


class PageNotBuilt(RecsmithError):
    """Is raised when the page that a site is made of is not in this installation."""


@dataclass(frozen=True)
class Site:
    """Is what was written."""

    path: Path
    runtime: Runtime
    n_files: int
    n_bytes: int
    """Of all files as they lie there; hosts send most of them compressed."""
    bytes_by_part: dict[str, int]
    """page, runtime, bundle."""


def write_site(
    bundle: Path | str,
    *,
    out: Path | str,
    runtime: Runtime | None = None,
    quantize: Quantize | None = None,
    title: str | None = None,
    kind: Kind | None = None,
    page: Path = PAGE,
) -> Site:
    """Writes a static site that recommends from a bundle in the visitor's browser.

    `runtime` None takes LiteRT where the bundle has a file for it, else ONNX; `both` falls back from one to
    the other. `title` heads the page and names the app; `kind` picks its words, by default films for a
    catalogue with genres. All addresses in it are relative. The site is written whole or not at all; one of
    ours that was there is replaced. Raises `PageNotBuilt`, `InvalidValue` for an `out` that holds something
    else or a model file that is not there, `ModelFileError` for a bundle that is altered.
    """
    opened, target = Bundle.open(bundle), Path(out)
    _check_page(page)
    _check_target(target, opened.path)
    wanted = _models(opened, runtime, quantize)
    formats = [spec.format for spec in wanted if spec.format]
    chosen: Runtime = "both" if len(formats) == 2 else formats[0]  # type: ignore[assignment]
    catalogue = opened.catalogue()
    described = {
        "bundle": "bundle/",
        "runtime": "auto" if chosen == "both" else chosen,
        "quantize": quantize,
        "title": title,
        "kind": kind or ("films" if "genres" in catalogue else "items"),
    }
    with folder_aside(target) as folder:
        _copy_page(page, folder, formats)
        (folder / "bundle").mkdir()
        others = [spec for spec in opened.manifest.files if spec.role in ("catalogue", "parity", "card")]
        for name in [MANIFEST, *(spec.path for spec in [*wanted, *others])]:
            shutil.copyfile(opened.path / name, folder / "bundle" / name)
        _write_json(folder / "site.json", described)
        if title:
            _name_app(folder / "manifest.webmanifest", title)
        files = _files(folder)
        _write_cache_list(folder, files)
        parts = {part: _bytes(folder / part) for part in ("runtime", "bundle")}
        total = _bytes(folder)
    parts["page"] = total - sum(parts.values())
    return Site(target, chosen, len(files) + 1, total, parts)


def _check_page(page: Path) -> None:
    if not (page / "index.html").is_file():
        raise PageNotBuilt(
            "The page must be built once. Got none in this installation. In a clone with Node.js 20.19 or "
            "newer: make web. A released wheel brings it along: pip install --upgrade recsmith"
        )


def _check_target(target: Path, bundle: Path) -> None:
    """Refuses to replace a folder that we did not write."""
    if target.resolve() == bundle.resolve() or target.resolve() in bundle.resolve().parents:
        raise InvalidValue("out", "outside the bundle's own folder", str(target))
    is_empty_folder = target.is_dir() and not any(target.iterdir())
    if target.exists() and not is_empty_folder and not (target / CACHE_LIST).is_file():
        raise InvalidValue("out", "a new folder, or a site that recsmith web wrote", str(target))


def _models(bundle: Bundle, runtime: Runtime | None, quantize: Quantize | None) -> list[FileSpec]:
    """The model files that the site needs, LiteRT first."""
    lists = [f for f in bundle.manifest.files if f.role == "recommend" and f.quantize == quantize]
    there = {f.format: f for f in lists if f.format in RUNTIMES}
    if runtime is None:
        names = ["litert"] if "litert" in there else ["onnx"]
    else:
        names = ["litert", "onnx"] if runtime == "both" else [runtime]
    missing = [name for name in names if name not in there]
    if missing:
        have = "; ".join(f"{f.format} {f.quantize or 'float32'}" for f in bundle.models) or "none"
        raise InvalidValue(
            "bundle",
            f"one with a {' and a '.join(missing)} file ({quantize or 'float32'}) for the browser",
            have,
            "Export again with --format litert.",
        )
    return [there[name] for name in names]  # type: ignore[index]


def _copy_page(page: Path, folder: Path, formats: list[Any]) -> None:
    """Copies the built page without the code and wasm of runtimes that nobody will load."""
    left_out = [name for name in RUNTIMES if name not in formats]
    shutil.copytree(
        page,
        folder,
        dirs_exist_ok=True,
        ignore=lambda where, names: [
            name
            for name in names
            if (Path(where).name == "runtime" and name in left_out)
            or (Path(where).name == "assets" and any(Path(name).match(RUNTIMES[r]) for r in left_out))
        ],
    )


def _name_app(file: Path, title: str) -> None:
    """Gives the installed app the site's name."""
    try:
        app = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelFileError(
            f"{file.name} of the built page must be JSON. Build it again: make web"
        ) from error
    _write_json(file, {**app, "name": title, "short_name": title})


def _files(folder: Path) -> list[str]:
    """Every file that the page may ask for; a service worker is fetched by the browser itself."""
    names = (file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
    return sorted(name for name in names if name != "sw.js")


def _write_cache_list(folder: Path, files: list[str]) -> None:
    """Writes what the service worker keeps, with the hashes that browsers check (subresource integrity)."""
    entries = [{"path": name, "integrity": f"sha256-{_digest(folder / name)}"} for name in files]
    whole = json.dumps(entries, indent=1)
    version = hashlib.sha256(whole.encode()).hexdigest()[:16]
    text = f'self.CACHE_LIST = {{\n"version": "{version}",\n"files": {whole}\n}};\n'
    (folder / CACHE_LIST).write_text(text, encoding="utf-8")


def _digest(file: Path) -> str:
    return base64.b64encode(hashlib.sha256(file.read_bytes()).digest()).decode()


def _bytes(path: Path) -> int:
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def _write_json(file: Path, document: dict[str, Any]) -> None:
    file.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
