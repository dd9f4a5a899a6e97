"""Tokens, their offsets and their normal forms."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scriptbridge.segmentation import WHOLE
from scriptbridge.text import MAX_LENGTH, normalize, script_of, terms, terms_and_spellings, tokenize

SAME_WORD = [
    # everywhere
    ("ＡＢＣ", "abc"),
    ("Straße", "strasse"),
    ("١٢٣", "123"),
    ("۱۲۳", "123"),
    ("१२३", "123"),
    ("৪৫", "45"),
    ("soft\u00adhyphen", "softhyphen"),
    ("\ufeffboth\u200fways\u2066", "bothways"),
    ("nul\x00l", "null"),
    ("don’t", "don't"),
    ("donʼt", "don't"),
    # Latin
    ("café", "cafe"),
    ("Łódź", "lodz"),
    ("smørrebrød", "smorrebrod"),
    ("İstanbul", "istanbul"),
    ("ısı", "isi"),
    ("æther", "aether"),
    ("ā\u0301", "a"),
    ("səlam", "selam"),
    ("sǝlam", "selam"),
    ("kˌandaj", "kandaj"),
    ("halykˌ", "halyk"),
    ("ˈkafe", "kafe"),
    ("ɦava", "hava"),
    # Greek
    ("Μουσακάς", "μουσακασ"),
    ("ΜΟΥΣΑΚΑΣ", "μουσακασ"),
    ("προϊόν", "προιον"),
    ("ἄνθρωπος", "ανθρωποσ"),
    # Cyrillic
    ("Ёлка", "елка"),
    ("замо́к", "замок"),
    ("йод", "йод"),
    ("їжа", "їжа"),
    ("ґанок", "ґанок"),
    ("м’ята", "м'ята"),
    # Arabic script
    ("مُحَمَّد", "محمد"),
    ("محـــمد", "محمد"),
    ("أحمد", "احمد"),
    ("إلى", "الي"),
    ("آدم", "ادم"),
    ("ٱلله", "الله"),
    ("کتاب", "كتاب"),
    ("فارسی", "فارسي"),
    ("مؤمن", "مومن"),
    ("کوئی", "كويي"),
    ("ہم", "هم"),
    ("مدرسة", "مدرسه"),
    ("خانۀ", "خانه"),
    ("می\u200cشود", "ميشود"),
    ("ڪري", "ڪري"),
    ("گھر", "گھر"),
    ("لڑکے", "لڑكے"),
    ("ﻻ", "لا"),
    ("ګوته", "گوته"),
    # Armenian
    ("և", "եւ"),
    ("ՀԱՅԵՐԵՆ", "հայերեն"),
    ("ինչպե՞ս", "ինչպես"),
    ("Հայաստա՛ն", "հայաստան"),
    # Georgian
    ("ᲗᲑᲘᲚᲘᲡᲘ", "თბილისი"),
    # Ethiopic
    ("ሐገር", "ሀገር"),
    ("ሃገር", "ሀገር"),
    ("ኃይል", "ሀይል"),
    ("ፀሐይ", "ጸሀይ"),
    ("ዓለም", "አለም"),
    ("ሠላም", "ሰላም"),
    ("ጐንደር", "ጎንደር"),
    ("ቍጥር", "ቁጥር"),
    ("ኵሉ", "ኩሉ"),
    ("አለ፟", "አለ"),
    # Hebrew
    ("שָׁלוֹם", "שלום"),
    ("צה״ל", 'צה"ל'),
    ("ג׳ירפה", "ג'ירפה"),
    ("ײד", "ייד"),
    # Indic
    ("क़लम", "क़लम"),
    ("चाँद", "चांद"),
    ("अॅप", "ॲप"),
    ("अाम", "आम"),
    ("ਪੰਜਾਬ", "ਪਂਜਾਬ"),
    ("ਅੱਖ", "ਅੱਖ"),
    ("ਪਿਅਾਜ਼", "ਪਿਆਜ਼"),
    ("উৎসব", "উত্\u200dসব"),
    ("হয়", "হয়"),
    ("ো", "ো"),
    ("അവന്\u200d", "അവൻ"),
    ("എന്\u200dറെ", "എന്റെ"),
    ("എൻ്റെ", "എന്റെ"),
    ("യൌവനം", "യൗവനം"),
    ("ශ්\u200dරී", "ශ්රී"),
]

DIFFERENT_WORDS = [
    ("کہا", "کھا"),  # Urdu: said, ate
    ("ڪ", "ک"),  # Sindhi: k, kh
    ("ٹ", "ت"),
    ("ے", "ی"),
    ("и", "й"),
    ("і", "ї"),
    ("г", "ґ"),
    ("ѓ", "г"),
    ("מ", "ם"),
    ("फल", "फ़ल"),
    ("ক", "ক্"),
    ("বাং", "বাঁ"),
    ("ې", "ي"),  # Pashto: ē, ī
    ("ۍ", "ي"),
    ("ռ", "ր"),
    ("ሰ", "ሸ"),
    ("ቀ", "ቐ"),  # Tigrinya: q, qh
    ("ኳ", "ካ"),
]


@pytest.mark.parametrize(("one", "other"), SAME_WORD)
def test_spellings_of_one_word_are_one_term(one: str, other: str) -> None:
    assert normalize(one) == normalize(other)
    assert normalize(other) == unicodedata.normalize("NFC", normalize(other))


@pytest.mark.parametrize(("one", "other"), DIFFERENT_WORDS)
def test_letters_that_tell_words_apart_stay_apart(one: str, other: str) -> None:
    assert normalize(one) != normalize(other)


@pytest.mark.parametrize(
    ("word", "form"),
    [
        ("Ώρες", "ωρεσ"),
        ("ی", "ي"),
        ("ى", "ي"),
        ("ک", "ك"),
        ("ە", "ه"),
        ("ѝ", "и"),
        ("ੰ", "ਂ"),
        ("ത്തിന്\u200d", "ത്തിൻ"),
    ],
)
def test_the_forms_that_language_files_are_written_in(word: str, form: str) -> None:
    assert normalize(word) == form


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("   \t\n", []),
        ("😀 ❤️ … — !?", []),
        ("ـــ", []),
        ("Πώς φτιάχνεται ο μουσακάς;", ["πωσ", "φτιαχνεται", "ο", "μουσακασ"]),
        ("σ'αγαπώ", ["σ", "αγαπω"]),
        ("Ինչպե՞ս ես, Ո՞վ է՞ և ի՜նչ", ["ինչպես", "ես", "ով", "է", "եւ", "ինչ"]),
        ("ሰላም፡ለዓለም።", ["ሰላም", "ለአለም"]),
        ("l'eau d’or", ["l'eau", "d'or"]),
        ("'quoted'", ["quoted"]),
        ("3arabi ta3 7abibi bf9'a7", ["3arabi", "ta3", "7abibi", "bf9'a7"]),
        ("RTX-4090 covid-19 Wi-Fi", ["rtx-4090", "covid-19", "wi", "fi"]),
        ("ב-1948 Су-27", ["ב", "1948", "су", "27"]),
        ("3.14 1,000 ٣٫١٤ 1990-1995.", ["3.14", "1,000", "3.14", "1990", "1995"]),
        ("covid19 5जी", ["covid19", "5जी"]),
        ("iphoneの सेंटीmeter iPhone12の", ["iphone", "の", "सेंटी", "meter", "iphone12", "の"]),
        ('צה"ל "שלום" סנדוויץ\' ר\' שמעון', ['צה"ל', "שלום", "סנדוויץ'", "ר", "שמעון"]),
        ("'মহাসেন'এর", ["মহাসেন", "এর"]),
        ("۽ ۾", ["۽", "۾"]),
        ("see https://Example.com/a?b=c.", ["see", "https://example.com/a?b=c"]),
        ("(www.example.org/x), HTTP://A.B", ["www.example.org/x", "http://a.b"]),
        ("mail A.b+c@Example.co.uk!", ["mail", "a.b+c@example.co.uk"]),
        ("https://ru.wikipedia.org/wiki/Москва", ["https://ru.wikipedia.org/wiki/", "москва"]),
        ("half ½", ["half", "1", "2"]),
        ("ﷺ", ["صلي", "الله", "عليه", "وسلم"]),
        ("5µm", ["5μ", "m"]),
        ("a\ud800b \udfff", ["a", "b"]),
        ("__init__ #tag C++", ["init", "tag", "c"]),
        ("1️⃣", ["1"]),
        ("है।यह", ["है", "यह"]),
        ("a\u200bb", ["a", "b"]),
    ],
)
def test_words_of_a_text(text: str, words: list[str]) -> None:
    assert [token.text for token in tokenize(text)] == words
    assert terms(text) == words


@pytest.mark.parametrize(
    "word",
    ["कर्मचारियों", "বাংলাদেশ", "ગુજરાતી", "ಕನ್ನಡದಲ್ಲಿ", "മലയാളം", "ਗੁਰਮੁਖੀ", "සිංහල", "தமிழ்", "తెలుగు", "ක්\u200dරිකට්"],
)
def test_virama_and_vowel_signs_never_split_a_word(word: str) -> None:
    (token,) = tokenize(f"«{word}»")
    assert (token.start, token.end) == (1, 1 + len(word))
    assert token.text == unicodedata.normalize("NFC", word).replace("\u200d", "")


def test_offsets_point_into_the_text_as_it_was_given() -> None:
    text = "\u200fАнна: «Ёлка», 5µm iphoneの ﷺ!"
    found = [(token.text, text[token.start : token.end]) for token in tokenize(text)]
    assert found == [
        ("анна", "Анна"),
        ("елка", "Ёлка"),
        ("5μ", "5µm"),
        ("m", "5µm"),
        ("iphone", "iphone"),
        ("の", "の"),
        *((word, "ﷺ") for word in ("صلي", "الله", "عليه", "وسلم")),
    ]


@pytest.mark.parametrize(
    ("words", "spellings"),
    [
        ("Ο Μουσακάς", {("μουσακασ", "μουσακάς")}),
        ("ΟΔΥΣΣΕΎΣ οδυσσευς", {("οδυσσευσ", "οδυσσεύς"), ("οδυσσευσ", "οδυσσευς")}),
        ("Μα\u0301ϊος", {("μαιοσ", "μάϊος")}),  # comes decomposed
        ("Москва Ёлка", {("елка", "ёлка")}),
        ("أحمد مصر", {("احمد", "أحمد")}),
        ("می\u200cخواهم", {("ميخواهم", "می\u200cخواهم")}),  # a joiner is part of the spelling
        ("μέ\u00adτρο\u200f", {("μετρο", "μέτρο")}),  # a soft hyphen is not
        ("Café ½ १२ dilli दिल्ली", set()),
        ("ΜουσακάςTV", {("μουσακασ", "μουσακάς")}),
        ("ά" * 300, set()),
    ],
)
def test_how_native_words_are_spelled(words: str, spellings: set[tuple[str, str]]) -> None:
    assert terms_and_spellings(words) == (terms(words), spellings, False)


def test_scripts() -> None:
    text = "hello 3arabi Πώς Москва سلام ۾ שלום हिन्दी বাংলা ગુજ ਪੰਜ ಕನ್ನ മല සිං தமி తెలు 5जी 2024 の 中 한 ኢት"
    scripts = (
        "Latn Latn Grek Cyrl Arab Arab Hebr Deva Beng Gujr Guru Knda Mlym Sinh Taml Telu Deva Zyyy Hira Hani"
    )
    assert [token.script for token in tokenize(text)] == [*scripts.split(), "Hang", "Ethi"]
    assert script_of("") == script_of("12.5") == script_of("\u0301") == "Zyyy"
    assert script_of("𓀀") == "Zzzz"


def test_a_very_long_word_is_kept_and_cut() -> None:
    text = "é" * 100_000
    (token,) = tokenize(text)
    assert token.text == "e" * MAX_LENGTH
    assert (token.start, token.end) == (0, len(text))
    assert terms(text) == [token.text]


@pytest.mark.parametrize(
    "unit", ["a.", "a@", "a-", "1,", "a'", "\u0301\u0316a", "http://", "www.", "ي\u200c", "aж", "٣٫"]
)
def test_hostile_repetition_is_read_in_linear_time(unit: str) -> None:
    text = unit * (200_000 // len(unit))
    assert terms(text) == [token.text for token in tokenize(text)]


TRICKY = (
    "aZß1٣५ .,'’\"״-@/:ςάЁй́آٱیـًצ״ן"
    "क़ँा्\u200d\u200cന്റണൻ্তৎਂੰﷺ½µ㎏の中😀\u200b\u200f\ufeff\x00\x1c\ud800İſKʼ۾ᾳ\u0345\u0308가ำ"
    "ե՞ւևᲗსሐዓፀኳ\u135fګۍ"
)
ANY_TEXT = st.one_of(
    st.text(st.characters(codec=None), max_size=60),
    st.text(st.sampled_from(TRICKY), max_size=60),
    st.lists(
        st.sampled_from(["www.", "http://", "a@b.co", "x-1", 'צה"ל', "ന്\u200d", "σ'α", *TRICKY]), max_size=20
    ).map("".join),
)


@settings(max_examples=400, deadline=None)
@given(ANY_TEXT)
@example("d'Москва")
@example("www.ſ" + "a" * 300 + "-")
def test_tokens_of_any_text(text: str) -> None:
    tokens = tokenize(text)
    assert terms(text) == [token.text for token in tokens]
    starts = [token.start for token in tokens]
    assert starts == sorted(starts)
    for token in tokens:
        assert 0 <= token.start < token.end <= len(text)
        assert 0 < len(token.text) <= MAX_LENGTH
        assert not any(character.isspace() for character in token.text)
        token.text.encode("utf-8")
        assert normalize(token.text) == token.text
        assert terms(token.text, WHOLE) == [token.text], "a term, typed again, is itself"
        assert script_of(token.text) == token.script


@settings(max_examples=400, deadline=None)
@given(ANY_TEXT)
def test_normalizing_twice_is_normalizing_once(word: str) -> None:
    form = normalize(word)
    assert normalize(form) == form
    form.encode("utf-8")


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(categories=["L", "M", "N"]), min_size=1, max_size=20), ANY_TEXT)
def test_a_word_is_the_same_wherever_it_stands(word: str, rest: str) -> None:
    assert terms(f"{word} {rest}") == terms(word) + terms(rest)
