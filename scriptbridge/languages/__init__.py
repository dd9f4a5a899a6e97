"""The languages scriptbridge reads: one TOML file each, that a speaker can read and correct.

``docs/languages.md`` describes the format. Adding a language is adding a file to this directory; a file of
one's own is read with `load_file`.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path
from typing import NoReturn, cast

from scriptbridge import sounds
from scriptbridge.errors import LanguageError
from scriptbridge.text import normalize, script_of

__all__ = ["Language", "Typing", "codes", "detect", "load", "load_file"]

MAX_SEGMENT = 3  # code points of a native segment
MAX_WEIGHT = 1_000_000
MAX_SPELLING = 4  # characters of a Latin spelling, doubled and followed by a vowel as it may be

_DIRECTORY = Path(__file__).parent
_CODE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_SCRIPT = re.compile(r"[A-Z][a-z]{3}")
_SPELLING = re.compile(rf"[a-z0-9']{{0,{MAX_SPELLING}}}")
_LATIN = re.compile(r"[a-z0-9']+")
_KEYS = re.compile(r"[!-~]+")
_CONSONANTS = re.compile(r"[b-df-hj-np-tv-z0-9]{1,2}")


@dataclass(frozen=True)
class Typing:
    """What a language's file says beside how letters are spelled; see `Language`."""

    spaced: bool = True
    attached: Mapping[str, list[str]] = field(default_factory=dict)
    keyboard: Mapping[str, str] = field(default_factory=dict)
    keyboards: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def all_keyboards(self) -> list[Mapping[str, str]]:
        """The keyboard and the other ones, each with keys."""
        return [keys for keys in (self.keyboard, *self.keyboards.values()) if keys]


@dataclass(frozen=True, eq=False)
class Language:
    """How one language is written in its own script and in Latin letters. Weights are as the file has them.

    `letters` are all it may hold; the `borrowed` among them, of names and loanwords, are no sign of it.
    `segments` maps a native segment (1-3 normalised code points) to its Latin spellings and their weights;
    `spellings` is what a channel starts from. `examples` maps native words, spelled as in print, to usual
    romanizations.

    `sounds` names the module of `scriptbridge.sounds` that turns words into `letters`, where these are not
    what documents are written in; where a language is not `spaced`, spaces in Latin input say little about
    where words end.

    `keyboard` maps keys, named by what they type on a US QWERTY keyboard ("B" is shift and b), to what they
    type in the language's standard layout: raw letters and signs, lowercase, one to three code points. An
    accent of U+0300-036F is a dead key, typed before its letter; two keys are pressed one after the other.
    `keyboards` are other layouts that many use, by name.

    `attached` maps articles, prepositions and conjunctions that print attaches to the next word to how they
    are typed where they stand apart: el beit.

    `related` is the code of the language, if any, whose shipped channel speaks, beside the segments, of the
    letters that both have.
    """

    code: str
    name: str
    native_name: str
    scripts: tuple[str, ...]
    letters: str
    frequent: tuple[str, ...]
    segments: dict[str, dict[str, float]]
    borrowed: str = ""
    carriers: str = ""
    unwritten: dict[str, float] = field(default_factory=dict)
    doubling: float = 0.0
    keyboard: Mapping[str, str] = field(default_factory=dict)
    keyboards: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)
    related: str = ""
    sounds: str = ""
    spaced: bool = True
    attached: Mapping[str, list[str]] = field(default_factory=dict)

    @property
    def typing(self) -> Typing:
        return Typing(self.spaced, self.attached, self.keyboard, self.keyboards)

    @property
    def own_typing(self) -> Typing | None:
        """The same, where no shipped language of that code says it."""
        shipped = self.code in codes() and load(self.code).typing == self.typing
        return None if shipped else self.typing

    def spellings(self) -> dict[str, dict[str, float]]:
        """P(Latin spelling | native segment), each segment's summing to 1.

        Consonants are doubled as often as `doubling` says; segments that end in a carrier are followed by
        what `unwritten` says is heard there. What gets longer than MAX_SPELLING is left out.
        """
        result = {}
        for segment, weights in self.segments.items():
            heard = self.unwritten if segment[-1] in self.carriers else {"": 1.0}
            result[segment] = _shares(_followed(_doubled(weights, self.doubling), heard))
        return result


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


def detect(text_terms: Iterable[str]) -> str | None:
    """The shipped language a document is written in, from its terms; None if none writes any of its letters.

    A letter is worth more to a language the more of its sample words' letters it is, and a few points go
    for every frequent word, or beginning or ending of a word: a likelihood, as far as the files tell it.
    A thousand terms tell.
    """
    terms = list(islice(text_terms, _ENOUGH_TERMS))
    clues = _clues()
    points = [0.0] * len(clues.codes)
    for letter, count in Counter("".join(terms)).items():
        for writer, worth in clues.writers.get(letter) or clues.by_script.get(script_of(letter), ()):
            points[writer] += count * worth
    best = max(points, default=0.0)
    if not best:
        return None
    if points.count(0.0) < len(points) - 1:  # languages that share a script
        for sign in clues.signs_in(terms):
            for user in clues.users[sign]:
                points[user] += _SIGN_POINTS
        best = max(points)
    return clues.codes[points.index(best)]


_ENOUGH_TERMS = 1000
_SIGN_POINTS = 3.0
_OWN = 7.5  # points of a letter that all of the language's text would be
_TRUST = 0.5  # in shares counted in a hundred words: of the log of what they would be worth were they known
_UNSEEN = 0.5  # occurrences that each letter has before any are counted


@dataclass(frozen=True, slots=True)
class _Clues:
    """Which languages (positions in `codes`) write a letter, what it is worth, and which often use a word.

    What no language's letters hold may be of a script (`by_script`) whose words are read by their sounds. A
    key of `users` is a word, a beginning (``al-``) or an ending (``-ing``).
    """

    codes: tuple[str, ...]
    writers: dict[str, tuple[tuple[int, float], ...]]
    by_script: dict[str, tuple[tuple[int, float], ...]]
    users: dict[str, tuple[int, ...]]
    beginnings: tuple[int, ...]  # their lengths
    endings: tuple[int, ...]

    def signs_in(self, terms: Iterable[str]) -> list[str]:
        users = self.users
        found = [term for term in terms if term in users]
        for length in self.beginnings:
            found += [sign for term in terms if (sign := term[:length] + "-") in users]
        for length in self.endings:
            found += [sign for term in terms if (sign := "-" + term[-length:]) in users]
        return found


@cache
def _clues() -> _Clues:
    writers: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    by_script: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    users: defaultdict[str, list[int]] = defaultdict(list)
    for position, code in enumerate(codes()):
        language = load(code)
        for letter, share in _letter_shares(language).items():
            written = by_script if letter in language.scripts else writers
            written[letter].append((position, _OWN + _TRUST * math.log(share)))
        for sign in language.frequent:
            users[sign].append(position)
    return _Clues(
        codes=codes(),
        writers={letter: tuple(positions) for letter, positions in writers.items()},
        by_script={script: tuple(positions) for script, positions in by_script.items()},
        users={sign: tuple(positions) for sign, positions in users.items()},
        beginnings=tuple(sorted({len(sign) - 1 for sign in users if sign.endswith("-")})),
        endings=tuple(sorted({len(sign) - 1 for sign in users if sign.startswith("-")})),
    )


def _letter_shares(language: Language) -> dict[str, float]:
    """How much of the language's text each letter of its own is, as its sample and frequent words show.

    Where `letters` are those of sounds, every other letter of the scripts counts as its script.
    """
    own: list[str] = [*language.letters.removesuffix(language.borrowed)]
    words = [*map(normalize, language.examples), *(sign for sign in language.frequent if "-" not in sign)]
    seen = Counter("".join(words))
    if language.sounds:
        own += language.scripts
        for letter in set(seen) - set(own):
            seen[script_of(letter)] += seen[letter]
    total = sum(seen[letter] + _UNSEEN for letter in own)
    return {letter: (seen[letter] + _UNSEEN) / total for letter in own}


def _shares(weights: Mapping[str, float]) -> dict[str, float]:
    total = math.fsum(weights.values())
    return {spelling: weight / total for spelling, weight in weights.items()}


def _doubled(weights: Mapping[str, float], chance: float) -> dict[str, float]:
    """Move `chance` of each consonant's weight to its doubled forms: k to kk, sh to ssh and shsh."""
    result: defaultdict[str, float] = defaultdict(float)
    for spelling, weight in weights.items():
        doubles = _doubles(spelling) if chance else []
        result[spelling] += weight * (1 - chance) if doubles else weight
        for double in doubles:
            result[double] += weight * chance / len(doubles)
    return result


def _doubles(spelling: str) -> list[str]:
    if not _CONSONANTS.fullmatch(spelling):
        return []
    if len(spelling) == 1:
        return [spelling * 2]
    return [spelling[0] + spelling, spelling * 2] if spelling[0] != spelling[1] else []


def _followed(weights: Mapping[str, float], heard: Mapping[str, float]) -> dict[str, float]:
    """Each spelling followed by each vowel heard after it, where the two are not too long."""
    result: defaultdict[str, float] = defaultdict(float)
    for spelling, weight in weights.items():
        for vowel, chance in heard.items():
            if len(spelling + vowel) <= MAX_SPELLING:
                result[spelling + vowel] += weight * chance
    return result


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
