"""Keeps a built index in a folder, as plain arrays and lists, so that a start need not build it.

A folder holds one index: of this catalogue, made by this code with these libraries. Anything else
is built anew. It appears whole or not at all.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import tempfile
import zlib
from importlib import metadata
from pathlib import Path
from zipfile import BadZipFile

import bm25s
import msgspec
import numpy as np

from talkwire.scenarios import ideas
from talkwire.scenarios.catalogue import Catalogue
from talkwire.scenarios.retrieve import KINDS, Index, Kind, Parts
from talkwire.scenarios.spelling import Speller
from talkwire.scenarios.units import units
from talkwire.scenarios.voices import Profile, Voice

FORMAT = 1
"""To be raised when the same catalogue and libraries would make other arrays."""

_MAKERS = ("bm25s", "numpy", "opencc-python-reimplemented", "pypinyin", "rjieba", "snowballstemmer")
_PREFIX = "index-"
_MOST_KEPT = 3
_log = logging.getLogger(__name__)


def indexed(catalogue: Catalogue, cache: Path | None) -> Index:
    """The index of a catalogue: from the cache folder if it is there and whole, else built and put
    there. A cache that cannot be written is told in the log and otherwise no matter. Blocks.
    """
    if cache is None:
        return Index.of(catalogue)
    folder = cache / name_of(catalogue)
    index = load(catalogue, folder)
    if index is None:
        index = Index.of(catalogue)
        try:
            save(index, folder)
            _forget_others(folder)
        except OSError as error:
            _log.warning("scenarios.index_not_kept: %s", error)
    return index


def name_of(catalogue: Catalogue) -> str:
    """The name of a catalogue's index: another one for all that would make other arrays."""
    made_by = [f"{FORMAT}", catalogue.version, ideas.digest()]
    made_by += [f"{name} {metadata.version(name)}" for name in _MAKERS]
    return _PREFIX + hashlib.sha256("\n".join(made_by).encode()).hexdigest()[:24]


def save(index: Index, folder: Path) -> None:
    """Write an index. One that is there already is left alone. :raises OSError: it cannot be."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=".being-made-", dir=folder.parent))
    try:
        for kind in KINDS:
            index.parts.voices[kind].ranking.save(made / kind, show_progress=False)
            profile = index.parts.profiles[kind]
            np.savez(
                made / f"{kind}.npz",
                indptr=profile.indptr,
                indices=profile.indices,
                data=profile.data,
                floor=profile.floor,
            )
        (made / "words.json").write_bytes(msgspec.json.encode(index.parts.speller.words))
        made.rename(folder)
    except OSError:
        if not folder.is_dir():  # else another process was faster, with the same index
            raise
    finally:
        shutil.rmtree(made, ignore_errors=True)


def load(catalogue: Catalogue, folder: Path) -> Index | None:
    """The index in a folder; None if there is none, or it is damaged. Blocks."""
    if not folder.is_dir():
        return None
    try:
        voices = {kind: _voice(folder / kind) for kind in KINDS}
        profiles = {kind: _profile(folder / f"{kind}.npz") for kind in KINDS}
        words = msgspec.json.decode((folder / "words.json").read_bytes(), type=list[str])
        if not _fits(catalogue, voices, profiles):
            raise ValueError("it is of another catalogue")
    except (OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error) as error:
        _log.warning("scenarios.index_damaged: %s: %s", folder.name, error)
        shutil.rmtree(folder, ignore_errors=True)
        return None
    os.utime(folder)  # which of them are in use is seen by their times
    return Index(catalogue, Parts(voices, profiles, Speller(words)))


def _voice(folder: Path) -> Voice:
    return Voice(bm25s.BM25.load(folder, show_progress=False))


def _profile(file: Path) -> Profile:
    # Opened here: numpy leaves a file open that turns out to be no archive.
    with file.open("rb") as raw, np.load(raw, allow_pickle=False) as held:
        return Profile(held["indptr"], held["indices"], held["data"], held["floor"])


def _fits(catalogue: Catalogue, voices: dict[Kind, Voice], profiles: dict[Kind, Profile]) -> bool:
    found = units(catalogue)
    entries = found[-1].entry + 1
    return all(
        voices[kind].units == len(found)
        and len(profiles[kind].floor) == entries
        and len(profiles[kind].indptr) == len(voices[kind].vocabulary) + 1
        for kind in KINDS
    )


def _forget_others(folder: Path) -> None:
    """Delete the oldest indexes, so that a catalogue that is edited often fills no disk."""
    kept = sorted(folder.parent.glob(f"{_PREFIX}*"), key=lambda each: -each.stat().st_mtime)
    for old in kept[_MOST_KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
