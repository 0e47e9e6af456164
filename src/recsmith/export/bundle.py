"""Bundle: a folder with model files, manifest, catalogue and parity; checked when opened, written whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recsmith.errors import InvalidValue, ModelFileError
from recsmith.export.manifest import MANIFEST, FileSpec, Format, Manifest, Quantize, Role, read_manifest

CATALOGUE, PARITY, CARD = "catalogue.json", "parity.json", "README.md"


@dataclass(frozen=True)
class Bundle:
    """Is an opened bundle."""

    path: Path
    manifest: Manifest

    @classmethod
    def open(cls, path: Path | str, *, check: bool = True) -> Bundle:
        """Opens a bundle; raises `ModelFileError` when it is incomplete, altered, too new or none."""
        folder = Path(path)
        if not folder.is_dir():
            raise InvalidValue("bundle", "a folder", str(path), "recsmith export RUN --out BUNDLE makes one.")
        bundle = cls(folder, read_manifest(folder / MANIFEST))
        if check:
            bundle.check()
        return bundle

    def check(self, specs: Iterable[FileSpec] | None = None) -> None:
        """Compares every file (or the given ones) with its size and checksum in the manifest."""
        for spec in self.manifest.files if specs is None else specs:
            file = self.file(spec)
            if not file.is_file():
                raise ModelFileError(
                    f"{self.path} must hold {spec.path}. Got no such file. The bundle is incomplete."
                )
            if file.stat().st_size != spec.bytes or sha256(file) != spec.sha256:
                raise ModelFileError(
                    f"{file} must be the file that {MANIFEST} names. Got another checksum. The file was "
                    "altered, or belongs to another bundle. Export the model again."
                )

    def file(self, spec: FileSpec) -> Path:
        """Returns where a file is; raises `ModelFileError` for a path that leaves the folder."""
        if Path(spec.path).name != spec.path or spec.path in ("", ".", ".."):
            raise ModelFileError(f"{MANIFEST}: a file's path must be a plain name. Got {spec.path!r}.")
        return self.path / spec.path

    @property
    def models(self) -> tuple[FileSpec, ...]:
        """The model files, lists before ranking."""
        return tuple(f for f in self.manifest.files if f.role in ("recommend", "rank"))

    def model(
        self, format: Format | None = None, *, quantize: Quantize | None = None, role: Role = "recommend"
    ) -> FileSpec:
        """Returns the model file of a format (default the first); else says what there is."""
        there = [f for f in self.models if f.role == role]
        for spec in there:
            if spec.quantize == quantize and format in (None, spec.format):
                return spec
        asked = f"{role}, {format or 'any format'}, {quantize or 'float32'}"
        have = "; ".join(f"{f.format} {f.quantize or 'float32'}" for f in there) or "none"
        raise InvalidValue("model file", f"one that the bundle has ({have})", asked)

    def catalogue(self) -> dict[str, list[Any]]:
        """Returns column → values; row r of every column is item code r. `item_id`, `title` and more."""
        return self._json(CATALOGUE)

    def parity(self) -> dict[str, Any]:
        """Returns the recorded histories and the source model's answers."""
        return self._json(PARITY)

    def _json(self, name: str) -> dict[str, Any]:
        try:
            found = json.loads((self.path / name).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ModelFileError(f"{self.path / name} must be JSON. Got: {error}.") from error
        if not isinstance(found, dict):
            raise ModelFileError(f"{self.path / name} must be a JSON object. Got {type(found).__name__}.")
        return found


def is_bundle(path: Path | str) -> bool:
    """Says whether a folder looks like a bundle."""
    return (Path(path) / MANIFEST).is_file()


def described(file: Path, role: Role, **more: Any) -> FileSpec:
    """Returns the manifest's entry of a file that is finished."""
    return FileSpec(path=file.name, role=role, bytes=file.stat().st_size, sha256=sha256(file), **more)


def sha256(file: Path) -> str:
    """Returns the checksum of a file, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
