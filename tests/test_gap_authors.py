"""Each author writes what it should, the same whatever stands around it; what cannot be written is told."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scriptbridge import Bridge, Channel, keyboards, languages, text
from scriptbridge.errors import GapError, MissingExtraError
from scriptbridge.gap import authors

QUERIES = {
    "el": "Καλημέρα, πώς φτιάχνεται ο μουσακάς;",
    "hi": "नमस्ते दिल्ली, iPhone 15 की कीमत २०२४",
    "ar": "طريقة عمل الكشري المصري",
    "ru": "Объявление: «Привет, мир»!",
    "mixed": "Huawei P30 θήκη",
    "latin": "Nokia 3310",
}
LANGUAGES = {**{code: code for code in QUERIES}, "mixed": "el", "latin": "el"}
SPECS = ["channel", "uroman", "icu", "anyascii", "keyboard", "channel:3+typos=.5", "icu+vowels=.5+switch=.5"]


def one(spec: str, native: str, language: str | None, seed: int = 0) -> str:
    (latin,) = authors.write(spec, {"q": native}, language, seed).texts["q"]
    return latin


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts a module of the given functions where `mine` is imported from."""
    return lambda **functions: monkeypatch.setitem(sys.modules, "mine", SimpleNamespace(**functions))


# -- each author


@pytest.mark.parametrize(
    ("language", "native", "typed"),
    [
        ("ru", "привет", "ghbdtn"),
        ("ru", "Ёлка", "`krf"),
        ("uk", "м'ята їжак", "v`znf ];fr"),
        ("he", "שלום", "akuo"),
        ("el", "Καλημέρα", "kalhm;era"),  # the accent's key comes before its letter
        ("el", "ο χάρτης", "o x;arthw"),
        ("el", "μαϊμού", "ma:imo;y"),
        ("ar", "سلام", "sghl"),  # not the key that types both letters of لا
        ("ar", "أحمد", "Hpl]"),
        ("ar", "پكتاب", ";jhf"),  # no key for پ
        ("fa", "سلام", "sghl"),
        ("ur", "پاکستان", "yjkvujf"),
        ("ur", "بهت", "ihu"),  # ه, typed on the key of ہ
        ("hi", "नमस्ते", "vcmdls"),
        ("hi", "क़लम", "k]nc"),
        ("bn", "বাংলায়", "yexne/"),
        ("ta", "தமிழ்", "lcfBd"),
        ("si", "ආයුබෝවන්", "wdhqnfdajka"),
        ("sr", "Љубав, ђак и жеља", "qubav ]ak i \\eqa"),
        ("mk", "сѐ ќе", "s`e 'e"),
        ("be", "сям'я", "czv]z"),
        ("kk", "Қазақстан", "0fpf0cnfy"),
        ("ka", "გამარჯობა, ჭიჭიქო", "gamarjoba WiWiqo"),
        ("hy", "Երևան", "yr&an"),
        ("hy", "թեւ", ";yw"),  # the letters of և, one by one
        ("hy", "ինչպե՞ս", "in[py|s"),
        ("ne", "गर्\u200dयो", "gr/=yo"),
        ("ps", "پښتو", "FAj,"),
    ],
)
def test_the_keyboard_types_what_its_keys_give_in_latin(language: str, native: str, typed: str) -> None:
    assert one("keyboard", native, language) == typed


@pytest.mark.parametrize("code", [code for code in languages.codes() if keyboards.layout(code)])
def test_what_the_keyboard_types_reads_back(code: str) -> None:
    """The same keys, pressed in the language's layout, give its words again, but for a few without a key."""
    examples = list(languages.load(code).examples)
    typed = authors.write("keyboard", {word: word for word in examples}, code).texts
    read = [word for word in examples if text.normalize(_read(typed[word][0], code)) == text.normalize(word)]
    assert len(read) >= 0.95 * len(examples), set(examples) - set(read)


def _read(typed: str, code: str) -> str:
    keyboard = languages.load(code).keyboard
    if code == "ko":  # its jamo are to be composed, and words are cut into stems and particles
        return keyboards.Layout(code, keyboard).native(typed.replace(" ", ""))
    keys = "|".join(sorted(map(re.escape, keyboard), key=len, reverse=True))
    read = re.sub(keys, lambda key: keyboard[key[0]], typed)
    return re.sub("([\u0300\u0301\u0308]+)(.)", r"\2\1", read)  # dead keys come first


def test_the_channel_writes_what_it_can_read() -> None:
    """Its wordings differ and are those of `romanize`: a bridge over the query's words reads most of them."""
    written = authors.write("channel:5", {"q": QUERIES["el"]}, "el", seed=3)
    assert len(written.texts["q"]) == 5 and len(set(written.texts["q"])) > 1
    bridge = Bridge.from_terms({"καλημερα": 1, "φτιαχνεται": 1, "μουσακασ": 1}, [Channel.load("el")])
    for wording in written.texts["q"]:
        read = bridge.deromanize(wording)[0].text
        assert "μουσακασ" in read.split() and "καλημερα" in read.split()


@pytest.mark.parametrize(
    ("author", "language", "native", "latin"),
    [
        ("uroman", "el", "Καλημέρα κόσμε!", "kalemera kosme"),
        ("uroman", "uk", "привіт", "pryvit"),  # by the rules of Ukrainian
        ("uroman", None, "привет", "privet"),
        ("icu", None, "Καλημέρα κόσμε!", "kalemera kosme"),
        ("icu", "ru", "объявление", "obavlenie"),  # the hard sign's " does not cut the word
        ("anyascii", None, "Καλημέρα", "kalimera"),
    ],
)
def test_romanizers(author: str, language: str | None, native: str, latin: str) -> None:
    assert one(author, native, language) == latin


def test_pinyin_is_for_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pypinyin", SimpleNamespace(lazy_pinyin=lambda text: ["bei", "jing"]))
    assert one("pypinyin", "北京", "zh") == "bei jing"
    with pytest.raises(GapError, match="writes Chinese"):
        one("pypinyin", "Αθήνα", "el")


def test_functions_of_a_text_and_of_a_text_and_its_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my_author.py").write_text(
        "def plain(text, option=1): return f'{len(text)} LETTERS, é'\n"
        "def by_language(text, language): return f'in {language}'\n"
    )
    assert one("my_author:plain", "Αθήνα", "el") == "5 letters e"
    assert one("my_author:by_language+typos=0", "Αθήνα", "el") == "in el"


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ("no_such_module:f", "no_such_module:f.*no module 'no_such_module'"),
        ("mine:missing", "mine:missing.*there is no 'missing'"),
        ("mine:fails", "mine:fails.*failed on 'αθήνα'.*ValueError: no"),
        ("mine:gives_none", "mine:gives_none.*a str is wanted for 'αθήνα'; got None"),
    ],
)
def test_functions_that_do_not_work(module: Callable[..., None], spec: str, complaint: str) -> None:
    def fails(text: str) -> str:
        raise ValueError("no")

    module(fails=fails, gives_none=lambda text: None)
    with pytest.raises(GapError, match=complaint):
        one(spec, "Αθήνα", "el")


# -- all authors


@pytest.mark.parametrize("spec", SPECS)
def test_the_same_whatever_the_order_and_the_subset(spec: str) -> None:
    whole = authors.write(spec, QUERIES, LANGUAGES, seed=7).texts
    assert whole.keys() == QUERIES.keys()
    assert authors.write(spec, dict(reversed(QUERIES.items())), LANGUAGES, seed=7).texts == whole
    for id, native in QUERIES.items():
        assert authors.write(spec, {id: native}, LANGUAGES[id], seed=7).texts == {id: whole[id]}


@pytest.mark.parametrize("spec", ["channel", "uroman", "icu", "anyascii"])
def test_lowercase_latin_words_with_one_space_between(spec: str) -> None:
    for (latin,) in authors.write(spec, QUERIES, LANGUAGES).texts.values():
        assert re.fullmatch(r"[a-z0-9']+( [a-z0-9']+)*", latin)


@pytest.mark.parametrize("spec", SPECS[:5])
def test_latin_words_and_digits_stay(spec: str) -> None:
    written = authors.write(spec, QUERIES, LANGUAGES).texts
    assert written["latin"] == ("nokia 3310",)
    assert written["mixed"][0].startswith("huawei p30 ")
    assert " iphone 15 " in written["hi"][0] and written["hi"][0].endswith(" 2024")


@pytest.mark.parametrize("author", ["channel", "uroman", "keyboard"])
def test_noise_changes_the_same_wording(author: str) -> None:
    plain = authors.write(author, QUERIES, LANGUAGES, seed=5).texts
    assert authors.write(f"{author}+typos=0+vowels=0+switch=0", QUERIES, LANGUAGES, seed=5).texts == plain
    for id, (typed,) in authors.write(f"{author}+typos=.5", QUERIES, LANGUAGES, seed=5).texts.items():
        assert len(typed.split()) == len(plain[id][0].split())
        same = [a == b for a, b in zip(typed.split(), plain[id][0].split(), strict=True)]
        assert any(same)


def test_seeds_give_other_wordings() -> None:
    drawn = {authors.write("channel", QUERIES, LANGUAGES, seed=seed).texts["el"] for seed in range(8)}
    assert len(drawn) > 1


def test_switched_words_stay_native() -> None:
    words = [one("uroman+switch=.3", "Αθήνα μια", "el", seed).split() for seed in range(300)]
    kept = sum(word in ("αθήνα", "μια") for pair in words for word in pair)
    one_stays = 1 - 0.7**2  # or would both, of which one is written nonetheless
    assert abs(kept - 300 * one_stays) < 4 * (300 * one_stays * (1 - one_stays)) ** 0.5


@pytest.mark.parametrize("query", ["Αθήνα", "Αθήνα Nokia", "ένα δύο τρία"])
def test_one_word_at_least_is_in_latin_letters(query: str) -> None:
    for seed in range(20):
        written = one("uroman+switch=1", query, "el", seed).split()
        native = [word for word in query.lower().split() if not word.isascii()]
        assert len(set(native) & set(written)) == len(native) - 1


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.text(max_size=3),
        st.text(st.sampled_from("αθήΝς نم नी क्ж й7a .'-\u200d½"), max_size=15),
        max_size=4,
    ),
    st.sampled_from(["channel:2", "icu", "anyascii+typos=.5", "keyboard+switch=.5", "channel+vowels=1"]),
)
def test_no_wording_is_empty(queries: Mapping[str, str], spec: str) -> None:
    written = authors.write(spec, queries, "el")
    assert written.author == spec
    assert all(latin.strip() == latin != "" for latins in written.texts.values() for latin in latins)
    left_out = len(queries) - len(written.texts)
    assert any(f"{left_out} of {len(queries)} queries left out" in note for note in written.notes) == (
        left_out > 0
    )


def test_what_cannot_be_written_is_told(module: Callable[..., None]) -> None:
    module(
        none=lambda text: "", same=lambda text: text, greek_only=lambda text: text.replace("αθήνα", "athina")
    )
    queries = {"1": "Αθήνα", "2": "Αθήνα Москва", "3": "Nokia", "4": "?"}
    none = authors.write("mine:none", queries, "el")
    assert none.texts == {"3": ("nokia",)}
    assert none.notes == (
        "mine:none: 3 of 4 queries left out: it can write nothing of them",
        "mine:none: 1 of 4 queries come out as they are in native script",
    )
    assert authors.write("mine:same", queries, "el").texts == {"3": ("nokia",)}
    some = authors.write("mine:greek_only", queries, "el")
    assert some.texts == {"1": ("athina",), "2": ("athina москва",), "3": ("nokia",)}
    assert some.notes[1] == "mine:greek_only: 1 of 4 queries keep native words that it cannot write"


class UnspeakableError(Exception):
    """What cannot be described."""

    def __repr__(self) -> str:
        raise RuntimeError

    __str__ = __repr__


def test_a_function_that_exits_or_gives_what_cannot_be_shown(
    module: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    def exits(text: str) -> str:
        print("so long")
        sys.exit()

    def unspeakable(text: str) -> str:
        raise UnspeakableError

    module(exits=exits, unspeakable=unspeakable, odd=lambda text: UnspeakableError())
    with pytest.raises(GapError, match=r"'mine:exits' failed on 'αθήνα': SystemExit$"):
        one("mine:exits", "Αθήνα", "el")
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "so long\n")
    with pytest.raises(GapError, match=r"'mine:unspeakable' failed on 'αθήνα': UnspeakableError$"):
        one("mine:unspeakable", "Αθήνα", "el")
    with pytest.raises(GapError, match="got <UnspeakableError>"):
        one("mine:odd", "Αθήνα", "el")


# -- languages and specs


@pytest.mark.parametrize("author", ["channel", "keyboard"])
@pytest.mark.parametrize("language", [None, "eo", "tlh"])
def test_channels_and_keyboards_need_a_language_that_has_one(author: str, language: str | None) -> None:
    with pytest.raises(GapError, match=rf"author {author}: .*{language or 'know'}"):
        one(author, "Αθήνα", language)


def test_languages_by_query() -> None:
    texts = authors.write("keyboard", {"1": "привет", "2": "שלום"}, {"1": "ru", "2": "he"}).texts
    assert texts == {"1": ("ghbdtn",), "2": ("akuo",)}
    with pytest.raises(GapError, match="שלום"):
        authors.write("keyboard", {"1": "привет", "2": "שלום"}, {"1": "ru"})


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ("", "no such author"),
        ("romanizer", "no such author"),
        ("channel:0", "STYLES '0'"),
        ("channel:11", "STYLES '11'"),
        ("channel:many", "STYLES 'many'"),
        ("uroman:2", "uroman writes a query in one way"),
        ("uroman+noise=.1", "modifier 'noise=.1'"),
        ("uroman+typos", "modifier 'typos'"),
        ("uroman+typos=", "modifier 'typos='"),
        ("uroman+typos=1.1", "modifier 'typos=1.1'"),
        ("uroman+typos=-.1", "modifier 'typos=-.1'"),
        ("uroman+typos=nan", "modifier 'typos=nan'"),
        ("uroman+typos=.1+typos=.2", "modifier 'typos=.2'"),
        ("uroman+", "modifier ''"),
    ],
)
def test_bad_specs_are_told_what_is_accepted(spec: str, complaint: str) -> None:
    for use in (authors.describe, lambda spec: one(spec, "Αθήνα", "el")):
        with pytest.raises(GapError, match=re.escape(complaint)) as refusal:
            use(spec)
        assert "accepted is AUTHOR" in str(refusal.value) or "channel or a modifier" in str(refusal.value)


def test_independent_authors_are_the_installed_romanizers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert authors.independent() == ("uroman", "icu", "anyascii")
    monkeypatch.setattr(authors, "find_spec", lambda name: None if name == "icu" else object())
    assert authors.independent() == ("uroman", "anyascii")


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "anyascii", None)
    with pytest.raises(MissingExtraError, match=r"anyascii is needed: pip install 'scriptbridge\[gap\]'"):
        one("anyascii", "Αθήνα", "el")
    monkeypatch.setitem(sys.modules, "pypinyin", None)
    with pytest.raises(MissingExtraError, match="pip install pypinyin"):
        one("pypinyin", "北京", "zh")


@pytest.mark.parametrize(
    ("spec", "line"),
    [
        (
            "channel:3+switch=.3",
            r"scriptbridge [\d.]+'s own channel.*, 3 wordings of each query, .*rate 0\.3",
        ),
        ("uroman", r"uroman \d.*"),
        ("icu+typos=.125", r"ICU \d.*rate 0\.125"),
        ("anyascii", r"anyascii \d.*"),
        ("keyboard", "keys of a US keyboard.*"),
    ],
)
def test_descriptions(spec: str, line: str) -> None:
    assert re.fullmatch(line, authors.describe(spec))
