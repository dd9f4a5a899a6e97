"""Language files are read, and what is wrong in one is named: those that are shipped, and one's own."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NoReturn, cast

from scriptbridge import sounds
from scriptbridge.errors import LanguageError
from scriptbridge.text import normalize

from .language import MAX_SEGMENT, MAX_SPELLING, Language, Typing

__all__ = ["codes", "load", "load_file", "own_typing"]

MAX_WEIGHT = 1_000_000

_DIRECTORY = Path(__file__).parent
_CODE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_SCRIPT = re.compile(r"[A-Z][a-z]{3}")
_SPELLING = re.compile(rf"[a-z0-9']{{0,{MAX_SPELLING}}}")
_LATIN = re.compile(r"[a-z0-9']+")
_KEYS = re.compile(r"[!-~]+")


@cache
def load(code: str) -> Language:
    """The shipped language of that code; LanguageError if there is none (`codes` lists them)."""
    if code not in codes():
        raise LanguageError(
            f"unknown language {code!r}; known: {', '.join(codes())}. "
            "To add one, describe it in a TOML file (docs/languages.md)"
        )
    return load_file(_DIRECTORY / f"{code}.toml")


@cache
def codes() -> tuple[str, ...]:
    """The codes of the shipped languages, sorted."""
    return tuple(sorted(path.stem for path in _DIRECTORY.glob("*.toml")))


def own_typing(language: Language) -> Typing | None:
    """How a language is typed, where no shipped one of its code says it."""
    shipped = language.code in codes() and load(language.code).typing == language.typing
    return None if shipped else language.typing


def load_file(path: str | Path) -> Language:
    """Read a language file; its name without ``.toml`` is the language's code.

    LanguageError names the file, the key and what is accepted there.
    """
    path = Path(path)
    if not _CODE.fullmatch(path.stem):
        raise LanguageError(
            f"{path}: the name before .toml is the language's code, in lowercase ASCII letters, digits and "
            f"hyphens; got {path.stem!r}"
        )
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LanguageError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise LanguageError(f"{path}: not UTF-8 text: {error.reason} at byte {error.start}") from error
    except (ValueError, RecursionError) as error:
        raise LanguageError(f"{path}: not valid TOML: {error}") from error
    return _Reader(path, table).language()


class _Reader:
    """Checks one file's table, key by key."""

    REQUIRED = ("name", "native_name", "scripts", "letters", "frequent", "segments")
    OPTIONAL = (
        "borrowed", "carriers", "unwritten", "doubling", "keyboard", "keyboards", "examples",
        "related", "sounds", "spaced", "attached",
    )  # fmt: skip

    def __init__(self, path: Path, table: Mapping[str, object]) -> None:
        self.path = path
        self.table = table

    def language(self) -> Language:
        for key in self.table:
            if key not in self.REQUIRED + self.OPTIONAL:
                self.refuse(key, f"unknown key; the keys are {', '.join(self.REQUIRED + self.OPTIONAL)}")
        for key in self.REQUIRED:
            if key not in self.table:
                self.refuse(key, f"missing; a language needs {', '.join(self.REQUIRED)}")
        borrowed = self.letters("borrowed") if "borrowed" in self.table else ""
        letters = self.letters("letters") + borrowed
        segments = self.segments(letters)
        return Language(
            code=self.path.stem,
            name=self.string("name"),
            native_name=self.string("native_name"),
            scripts=self.scripts(),
            letters=letters,
            frequent=self.frequent(),
            segments=segments,
            borrowed=borrowed,
            carriers=self.carriers(segments),
            unwritten=self.unwritten(),
            doubling=self.doubling(),
            keyboard=self.keyboard("keyboard", self.tables("keyboard")),
            keyboards={
                name: self.keyboard(f"keyboards.{name}", self.tables("keyboards", name))
                for name in self.tables("keyboards")
            },
            examples=self.examples(),
            related=self.related(),
            sounds=self.sounds(),
            spaced=self.spaced(),
            attached=self.attached(),
        )

    def refuse(self, key: str, problem: str) -> NoReturn:
        raise LanguageError(f"{self.path}: {key}: {problem}")

    def string(self, key: str) -> str:
        value = self.table.get(key)
        if not isinstance(value, str) or not value.strip():
            self.refuse(key, f"needs a string that is not empty; got {value!r}")
        return value

    def strings(self, key: str, value: object) -> list[str]:
        if (
            not isinstance(value, list)
            or not value
            or not all(item and isinstance(item, str) for item in value)
        ):
            self.refuse(key, f'needs a list of strings such as ["a", "b"]; got {value!r}')
        return value

    def tables(self, *path: str) -> dict[str, object]:
        """What stands in the file at `path`; empty where nothing does."""
        value: object = self.table
        for number, key in enumerate(path, 1):
            value = value.get(key, {}) if isinstance(value, dict) else value
            if not isinstance(value, dict):
                name = ".".join(path[:number])
                self.refuse(name, f"needs to be a table, [{name}]; got {value!r}")
        return cast("dict[str, object]", value)

    def normalized(self, key: str, form: str) -> str:
        if normalize(form) != form:
            self.refuse(key, f"{form!r} is not in normalised form; write {normalize(form)!r}")
        return form

    def weights(self, key: str, value: object) -> dict[str, float]:
        """Spellings and their weights; the weights come back as floats."""
        if not isinstance(value, dict) or not value:
            self.refuse(key, f"needs Latin spellings and weights such as {{ th = 6, t = 1 }}; got {value!r}")
        for spelling, weight in value.items():
            if not _SPELLING.fullmatch(spelling):
                self.refuse(
                    key,
                    f"spelling {spelling!r}; a spelling is at most {MAX_SPELLING} lowercase ASCII letters, "
                    'digits and apostrophes ("" is silent)',
                )
            number = isinstance(weight, int | float) and not isinstance(weight, bool)
            if not number or not 0 < weight <= MAX_WEIGHT:
                self.refuse(
                    f"{key}.{spelling}", f"a weight is a number above 0, to {MAX_WEIGHT:,}; got {weight!r}"
                )
        return {spelling: float(weight) for spelling, weight in value.items()}

    def segments(self, letters: str) -> dict[str, dict[str, float]]:
        segments = self.tables("segments")
        if not segments:
            self.refuse("segments", 'empty; it needs a line a letter, such as "θ" = { th = 6, t = 1 }')
        for segment in segments:
            key = f"segments.{segment}"
            if not 1 <= len(segment) <= MAX_SEGMENT:
                self.refuse(key, f"a segment is 1 to {MAX_SEGMENT} letters (code points); got {len(segment)}")
            self.normalized(key, segment)
            if unknown := [letter for letter in segment if letter not in letters]:
                self.refuse(key, f"{unknown[0]!r} is neither in `letters` nor in `borrowed`; add it to one")
        if uncovered := [letter for letter in letters if letter not in segments]:
            self.refuse(
                "segments", f"nothing for {', '.join(map(repr, uncovered))}; every letter needs spellings"
            )
        return {segment: self.weights(f"segments.{segment}", value) for segment, value in segments.items()}

    def scripts(self) -> tuple[str, ...]:
        scripts = self.strings("scripts", self.table.get("scripts"))
        for script in scripts:
            if not _SCRIPT.fullmatch(script):
                self.refuse("scripts", f"{script!r}; a script is its ISO 15924 code, such as Grek or Deva")
        return tuple(scripts)

    def letters(self, key: str) -> str:
        letters = self.string(key)
        for letter in letters:
            self.normalized(key, letter)
        known = str(self.table.get("letters")) if key == "borrowed" else ""
        if repeated := [letter for letter, count in Counter(letters + known).items() if count > 1]:
            self.refuse(key, f"{' '.join(repeated)} repeated; write each letter once")
        return letters

    def frequent(self) -> tuple[str, ...]:
        signs = self.strings("frequent", self.table.get("frequent"))
        for sign in signs:
            letters = sign.removeprefix("-") if sign.startswith("-") else sign.removesuffix("-")
            if not letters or "-" in letters:
                self.refuse(
                    "frequent", f'{sign!r}; accepted are a word, a beginning "al-" or an ending "-ing"'
                )
            self.normalized("frequent", letters)
        return tuple(signs)

    def carriers(self, segments: Mapping[str, object]) -> str:
        if "carriers" not in self.table:
            return ""
        carriers = self.string("carriers")
        for letter in carriers:
            if letter not in segments:
                self.refuse("carriers", f"{letter} is not in [segments]")
        if "unwritten" not in self.table:
            self.refuse("carriers", "needs `unwritten` too: what may be heard after these letters")
        return carriers

    def unwritten(self) -> dict[str, float]:
        if "unwritten" not in self.table:
            return {}
        if "carriers" not in self.table:
            self.refuse("unwritten", "needs `carriers` too: the letters after which these may be heard")
        return self.weights("unwritten", self.table["unwritten"])

    def doubling(self) -> float:
        value = self.table.get("doubling", 0.0)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
            self.refuse("doubling", f"needs a chance, from 0 to below 1; got {value!r}")
        return float(value)

    def sounds(self) -> str:
        value = self.table.get("sounds", "")
        if "sounds" in self.table and value not in sounds.modules():
            self.refuse("sounds", f"{value!r}; known: {', '.join(sounds.modules()) or 'none'}")
        return str(value)

    def spaced(self) -> bool:
        value = self.table.get("spaced", True)
        if not isinstance(value, bool):
            self.refuse("spaced", f"needs true or false; got {value!r}")
        return value

    def attached(self) -> dict[str, list[str]]:
        result = {}
        for form, value in self.tables("attached").items():
            key = f"attached.{form}"
            result[self.normalized(key, form)] = self.strings(key, value)
            for latin in result[form]:
                if not _LATIN.fullmatch(latin):
                    self.refuse(key, f"needs words of lowercase ASCII letters, digits and '; got {latin!r}")
        return result

    def keyboard(self, table: str, rows: Mapping[str, object]) -> dict[str, str]:
        result: dict[str, str] = {}
        for keys, value in rows.items():
            name = f"{table}.{keys}"
            if not _KEYS.fullmatch(keys):
                self.refuse(name, "keys are named by the ASCII characters that they type on a US keyboard")
            natives = value.split() if isinstance(value, str) else []
            typed = [keys] if len(natives) == 1 and len(keys) == 2 else list(keys)
            if len(natives) != len(typed):
                self.refuse(name, f"needs a string of what each key types, spaces between; got {value!r}")
            for key, native in zip(typed, natives, strict=True):
                if len(native) > MAX_SEGMENT:
                    self.refuse(name, f"a key types 1 to {MAX_SEGMENT} code points; got {native!r}")
                if key in result:
                    self.refuse(name, f"{key} repeated; write each key once")
                result[key] = native
        return result

    def related(self) -> str:
        if "related" not in self.table:
            return ""
        code = self.string("related")
        if code == self.path.stem or code not in codes():
            self.refuse("related", f"needs the code of another language that is shipped; got {code!r}")
        return code

    def examples(self) -> dict[str, list[str]]:
        examples = self.tables("examples")
        result = {}
        for word, romanizations in examples.items():
            key = f"examples.{word}"
            result[word] = self.strings(key, romanizations)
            for romanization in result[word]:
                if not re.fullmatch(r"[a-z0-9']+", romanization):
                    self.refuse(key, f"{romanization!r}; accepted are lowercase ASCII letters, digits and '")
        return result
