"""Thai, Khmer and Burmese: the letters of a word in the order, and by the sounds, in which they are said."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scriptbridge as sb
from scriptbridge import languages, sounds, text
from scriptbridge.sounds._syllables import cheapest

MODULES = {"thai": "th", "khmer": "km", "burmese": "my"}


def spoken(module: str, word: str) -> list[str]:
    forms: list[str] = importlib.import_module(f"scriptbridge.sounds.{module}").spoken(text.normalize(word))
    return forms


def test_the_cheapest_sequences_come_first_and_dear_ones_not_at_all() -> None:
    def syllables(word: str, at: int) -> list[tuple[int, str, float]]:
        return [(at + 1, word[at], 1.0), *([(at + 2, "-", 1.5)] if at + 2 <= len(word) else [])]

    assert cheapest("abc", syllables, 4, 1.0) == ["-c", "a-", "abc"]
    assert cheapest("abc", syllables, 4, 0.2) == ["-c", "a-"]
    assert cheapest("abc", syllables, 1, 9.0) == ["-c"]


@pytest.mark.parametrize(
    ("word", "form"),
    [
        ("เก", "กเ"), ("เขา", "คเา"), ("เมีย", "มเี"), ("เรือ", "รเื"), ("แม่", "มแ"), ("ไทย", "ทไ"), ("ใจ", "จไ"),
        ("เดิน", "ดเินฺ"), ("เธอ", "ทเิ"), ("เคย", "คเิยฺ"), ("บัว", "บั"), ("สวน", "สันฺ"), ("น้ำ", "นะมฺ"),
        ("คน", "คโนฺ"), ("พร", "พอรฺ"), ("ธรรม", "ทะมฺ"), ("วรรณ", "วะนฺ"), ("ตลาด", "ตะลาดฺ"), ("แสดง", "สะดแงฺ"),
        ("หมา", "มา"), ("อยู่", "ยู"), ("อาหาร", "าหารฺ"), ("จันทร์", "จะนฺ"), ("ศักดิ์", "สะกฺ"), ("พงษ์", "พโงฺ"),
        ("บัตร", "บะตฺ"), ("สามารถ", "สามาทฺ"), ("ฤดู", "รึดู"), ("อังกฤษ", "ะงฺกริสฺ"), ("ก็", "กอ"),
        ("ต่างๆ", "ตางฺตางฺ"), ("กรุงเทพฯ", "กรุงฺทเพฺ"), ("เพลง", "พลเงฺ"),
    ],
)  # fmt: skip
def test_thai_as_it_is_spoken(word: str, form: str) -> None:
    assert spoken("thai", word)[0] == form


@pytest.mark.parametrize(
    ("word", "form"),
    [("ชาติ", "ชาตฺ"), ("ราชการ", "ราชฺชะการฺ"), ("ทราบ", "สาบฺ"), ("รัฐบาล", "ระทฺทะบาลฺ"), ("สร้าง", "สรางฺ")],
)
def test_thai_that_can_be_read_in_several_ways(word: str, form: str) -> None:
    assert form in spoken("thai", word)


@pytest.mark.parametrize(
    ("word", "form"),
    [
        ("កា", "កា"), ("គា", "ក៊ា"), ("ភ្នំ", "ផន៊ំ"), ("ខ្មែរ", "ខមែរ់"), ("គាត់", "ក៊័ត់"), ("ទាំង", "ត៊័ង់"),
        ("ស៊ី", "ស៊ី"), ("ម៉ែ", "មែ"), ("ចិត្ត", "ចិត់"), ("ជាតិ", "ច៊ាត់"), ("អង្គរ", "អង់ក៊អរ់"), ("សម្រាប់", "សអម់រ័ប់"),
        ("អ្នក", "ន៊័ក់"), ("ឲ្យ", "ោយ់"), ("ព្រះ", "ពរ៊ះ"), ("ក៏", "កអ"),
    ],
)  # fmt: skip
def test_khmer_by_its_series(word: str, form: str) -> None:
    assert spoken("khmer", word)[0] == form


@pytest.mark.parametrize(
    ("word", "form"),
    [
        ("အောင်", "ဩင်"), ("မန္တလေး", "မန်တအလေ"), ("ကျောင်း", "ကျဩင်"), ("နိုင်", "နဴင်"), ("မင်္ဂလာ", "မင်ဂအလာ"),
        ("အမေ", "အမေ"), ("ဦး", "ူ"), ("ရွှေ", "ရွှေ"), ("ဈေး", "ဇေ"), ("၎", "လအကဩင်"),
    ],
)  # fmt: skip
def test_burmese_rhymes_in_few_letters(word: str, form: str) -> None:
    assert spoken("burmese", word) == [form]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("นํ้า", "น้ำ"),
        ("เเม่", "แม่"),
        ("ท่ี", "ที่"),
        ("ស្ដី", "ស្តី"),
        ("ស្រ្តី", "ស្ត្រី"),
        ("ឲ", "ឱ"),
        ("ကုိ", "ကို"),
        ("၀ါ", "ဝါ"),
    ],
)
def test_what_looks_alike_is_one_word(one: str, other: str) -> None:
    assert one != other and text.normalize(one) == text.normalize(other)


@cache
def known(module: str) -> set[str]:
    return set(languages.load(MODULES[module]).letters)


LETTERS = {"thai": (0xE00, 0xE5B), "khmer": (0x1780, 0x17DD), "burmese": (0x1000, 0x109F)}


@given(
    st.sampled_from(sorted(MODULES)).flatmap(
        lambda module: st.tuples(
            st.just(module),
            st.text(
                st.characters(min_codepoint=LETTERS[module][0], max_codepoint=LETTERS[module][1]), max_size=14
            ),
        )
    )
)
def test_any_string_has_few_forms_in_the_channels_letters(drawn: tuple[str, str]) -> None:
    module, word = drawn
    forms = spoken(module, word)
    assert len(forms) <= sounds.MAX_FORMS
    assert set("".join(forms)) <= known(module)


@pytest.mark.parametrize("module", sorted(MODULES))
def test_words_of_other_scripts_have_no_form(module: str) -> None:
    for word in ("", "θάλασσα", "wifi", "ກາ", "中文", "กx", "កx", "ကx"):
        assert spoken(module, word) == []


@pytest.mark.parametrize(
    ("code", "text_", "query", "word"),
    [
        ("th", "ร้านนี้ขายผัดไทยและต้มยำ", "phad", "ผัด"),
        ("km", "គាត់ទៅផ្សារ", "phsar", "ផ្សារ"),
        ("my", "ကျောင်းမှာ မြန်မာစာ သင်တယ်", "kyaung", "ကျောင်း"),
    ],
)
def test_documents_are_found(tmp_path: Path, code: str, text_: str, query: str, word: str) -> None:
    with sb.Index.create(tmp_path / "index", languages=[code]) as index:
        index.add([{"id": "1", "text": text_}, {"id": "2", "text": "αβγ"}])
        index.commit()
        (hit,) = index.search(query)
        assert hit.id == "1" and word in hit.highlight
