"""Serbian is written in two scripts, both of them with and without diacritics: each finds all of them."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from scriptbridge import Index

DOCUMENTS = [
    "Његош је рођен у Његушима и живео на Цетињу", "Њујорк је највећи град у Америци",
    "Ћевапчићи се једу са луком и лепињом", "Љубав и живот у старом Београду",
    "Шума је пуна жутог цвећа и лишћа", "Дунав тече кроз Београд и Нови Сад",
    "Школа почиње у септембру за сву децу", "Железничка станица је затворена због радова",
    "Џез концерт у центру града вечерас", "Чачак је град у централној Србији",
    "Кућа на продају близу мора", "Река Сава се улива у Дунав",
]  # fmt: skip
QUERIES = {
    0: "Његош рођен", 1: "Њујорк", 2: "ћевапчићи", 3: "љубав", 4: "шума цвећа", 5: "Дунав тече", 6: "школа",
    7: "железничка", 8: "џез", 9: "Чачак", 10: "кућа", 11: "река",
}  # fmt: skip
LATIN = dict(
    zip(
        "абвгдђежзијклљмнњопрстћуфхцчџш",
        "a b v g d đ e ž z i j k l lj m n nj o p r s t ć u f h c č dž š".split(),  # noqa: SIM905
        strict=True,
    )
)


def cyrillic(text: str) -> str:
    return text


def latin(text: str) -> str:
    return "".join(LATIN.get(letter, letter) for letter in text.lower())


def without_diacritics(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", latin(text).replace("đ", "dj"))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


WAYS = (cyrillic, latin, without_diacritics)


@pytest.mark.parametrize("documents", [*([way] for way in WAYS), [cyrillic, latin]], ids=str)
def test_each_way_to_write_finds_the_others(documents: list[Callable[[str], str]], tmp_path: Path) -> None:
    with Index.create(tmp_path / "index", languages=["sr"]) as index:
        for way in documents:
            index.add((f"{way.__name__} {number}", way(text)) for number, text in enumerate(DOCUMENTS))
        index.commit()
        for way in WAYS:
            for number, query in QUERIES.items():
                found = [hit.id for hit in index.search(way(query))][: len(documents)]
                assert set(found) == {f"{way.__name__} {number}" for way in documents}, (way, query)
