"""Learning from queries without pairs, and from what a related language's channel knows."""

from __future__ import annotations

import gzip
import json
import math
import random
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest
from click.testing import CliRunner

from scriptbridge import (
    Channel,
    ChannelError,
    DocumentError,
    Index,
    IndexFormatError,
    LanguageError,
    languages,
    learning,
    segmentation,
    text,
)
from scriptbridge.cli import main
from scriptbridge.documents import read_documents
from scriptbridge.estimation import changes
from scriptbridge.pairs import learn

SAMPLE = Path(str(resources.files("scriptbridge"))) / "sample"
PLAIN = dict(zip("αεικλμνοπρστυ", "aeiklmnoprsty", strict=True))
HABITS = str.maketrans(PLAIN | {"θ": "8", "χ": "x", "ω": "w", "η": "h"})


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    made = Index.create(tmp_path_factory.mktemp("learn") / "index", languages=["el"], fields={"text": 1.0})
    made.add(list(read_documents(SAMPLE / "el.jsonl")))
    made.commit()
    return made


@pytest.fixture(scope="module")
def log() -> list[str]:
    """What somebody types who writes 8 for θ, x for χ, w for ω and h for η, always."""
    rng = random.Random(3)
    queries = []
    for document in read_documents(SAMPLE / "el.jsonl"):
        words = [word for word in text.terms(document.fields["text"]) if word.translate(HABITS).isascii()]
        queries += [" ".join(rng.sample(words, 3)).translate(HABITS) for _ in range(12) if len(words) > 3]
    return queries


def test_habits_are_learned_from_queries_alone(index: Index, log: list[str]) -> None:
    lesson = learning.learn_from_queries(log, index, start=Channel.from_scheme("el"))
    scheme = Channel.from_scheme("el")
    assert lesson.before is not None and lesson.after is not None and lesson.after > lesson.before + 0.3
    assert not lesson.worse and lesson.held_out == (lesson.queries + lesson.held_out) // 10
    assert 0.8 * lesson.tokens < lesson.meant <= lesson.tokens
    for native, latin in [("θερμη", "8ermh"), ("χωρα", "xwra")]:
        assert lesson.channel.score(native, latin) > scheme.score(native, latin) + 0.5
    learned = {unit + spelling for unit, spelling, before, after in lesson.changes if after > before + 0.1}
    assert {"ηh", "ωw"} <= learned


def test_learning_from_queries_repeats_itself(index: Index, log: list[str]) -> None:
    first, second = (learning.learn_from_queries(log[:40], index, seed=2) for _ in range(2))
    assert first.channel.to_bytes() == second.channel.to_bytes()
    other = learning.learn_from_queries(log[:40], index, seed=3)
    assert other.channel.to_bytes() != first.channel.to_bytes()


def test_documents_tell_what_a_word_means(tmp_path: Path) -> None:
    """мир and мыр are alike in Latin; beside вода, only one of them stands in a document."""
    with Index.create(tmp_path / "index", languages=["ru"]) as index:
        index.add([("1", "мир лето"), ("2", "мыр вода"), *((f"{n}", "мир песня") for n in range(3, 9))])
        index.commit()
        opened = Index.open(tmp_path / "index", [Channel.from_scheme("ru")])
        reader = learning._Reader(opened, Channel.from_scheme("ru"))

        def meant(query: str) -> dict[tuple[str, str], float]:
            return {(term, token): p for term, token, p in reader.meant(text.tokenize(query))}

        alone, beside = (meant(query).get(("мыр", "mir"), 0.0) for query in ("mir", "mir voda"))
        assert beside > 2 * alone
        assert meant("mir pesnya")["мир", "mir"] > 0.9


def test_documents_words_are_terms_however_they_were_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segmentation, "default", lambda: segmentation.NGRAMS)
    with Index.create(tmp_path / "index", languages=["th"]) as index:
        index.add([("1", "กรุงเทพมหานคร")])
        index.commit()
    monkeypatch.undo()
    with learning._reading(index, Channel.load("th")) as reader:
        (words,) = reader._documents(text.tokenize("กรุงเทพ", segmentation.NGRAMS))
        assert words and all(word in reader.lexicon for word in words)


def test_every_index_that_was_opened_is_closed(
    index: Index, log: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Index] = []

    original = Index.open

    def noted(path: Path, channels: list[Channel]) -> Index:
        opened.append(original(path, channels))
        return opened[-1]

    monkeypatch.setattr(Index, "open", noted)
    learning.learn_from_queries(log[:40], index)
    assert opened and all(repr(each).endswith("closed, languages: el>") for each in opened)


def test_a_long_log_is_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Different queries, any of them, the same ones in whatever order they come."""
    monkeypatch.setattr(learning, "MOST_QUERIES", 20)
    log = ["kali " + "a" * (number % 70) for number in range(1, 700)]
    sampled = [
        {tuple(token.text for token in tokens) for tokens in learning._latin(log[::step], 1)}
        for step in (1, -1)
    ]
    assert len(sampled[0]) == 20 and sampled[0] == sampled[1]
    assert max(len(tokens[-1]) for tokens in sampled[0]) > 40
    assert len(learning._latin(iter(log[:19]), 1)) == 19
    assert learning._latin(log, 2) != learning._latin(log, 1)


def test_what_means_nothing_teaches_nothing(index: Index) -> None:
    for queries in ([], ["qqqqzzzz 12345"], ["μόνο ελληνικά"]):
        with pytest.raises(ChannelError, match="queries can mean"):
            learning.learn_from_queries(queries, index)
    lesson = learning.learn_from_queries(["mousakas qqqqzzzz"], index)
    assert (lesson.queries, lesson.held_out, lesson.before) == (1, 0, None)
    assert lesson.channel.score("μουσακας", "mousakas") > -math.inf


def test_latin_words_of_the_collection_are_themselves(tmp_path: Path) -> None:
    with Index.create(tmp_path / "index", languages=["el"]) as index:
        index.add([("1", "Το iphone είναι τηλέφωνο"), ("2", "iphone")])
        index.commit()
        lesson = learning.learn_from_queries(["iphone tilefono"], index)
    assert lesson.meant < 1.2


def test_which_language_is_learned(tmp_path: Path) -> None:
    with Index.create(tmp_path / "index", languages=["el", "ru"]) as index:
        index.add([("1", "Το μετρό της Αθήνας"), ("2", "Московское метро")])
        index.commit()
        with pytest.raises(LanguageError, match="reads el ru; say which"):
            learning.learn_from_queries(["moskovskoe metro"], index)
        lesson = learning.learn_from_queries(["moskovskoe metro"], index, "ru")
        assert lesson.channel.language == "ru" and lesson.meant > 1
        start = replace(Channel.from_scheme("el"), sources=())
        assert learning.learn_from_queries(["to metro"], index, start=start).channel.language == "el"


def test_words_joined_and_cut_are_of_their_languages(tmp_path: Path) -> None:
    """A token is as much of another language as the words are that it is a part of, or that it holds."""
    with Index.create(tmp_path / "index", languages=["el", "ru"]) as index:
        index.add([("1", "μουσακάς"), ("2", "борщ и сметана")])
        index.commit()
        with pytest.raises(ChannelError, match="no Latin word of 1 queries can mean Greek"):
            learning.learn_from_queries(["mousa kas"], index, "el")
        lesson = learning.learn_from_queries(["borschismetana smetana", "mousa kas"], index, "ru")
        assert 0.8 < lesson.meant < 1.2

        def ours(code: str, query: str) -> list[bool]:
            with learning._reading(index, Channel.load(code)) as reader:
                return [each > 0.5 for each in reader._of_language(text.tokenize(query))]

        assert ours("el", "mousa kas") == [True, True] and ours("ru", "mousa kas") == [False, False]
        cut = "iborschismetana qqqq smetana"  # и in front is as good as η: what tells is the rest
        assert ours("el", cut) == [False, True, False] and ours("ru", cut) == [True, True, True]


def test_logs(tmp_path: Path) -> None:
    plain = tmp_path / "log.txt"
    plain.write_bytes(b"mia\n\ndyo lexeis\r\n" + b"\xff\xfe\n" + "τρία\n".encode())
    skipped: list[str] = []
    assert list(learning.read_log(plain, skipped)) == ["mia", "", "dyo lexeis", "τρία"]
    assert skipped == [f"{plain}:4: not UTF-8 text: invalid start byte"]
    lines = tmp_path / "log.jsonl"
    lines.write_text(json.dumps({"id": "1", "text": "mia"}) + "\nnonsense\n", encoding="utf-8")
    assert list(learning.read_log(lines, skipped)) == ["mia"] and len(skipped) == 2
    lines = lines.rename(tmp_path / "LOG.JSONL")
    assert list(learning.read_log(lines, skipped)) == ["mia"] and len(skipped) == 3
    packed = tmp_path / "log.gz"
    packed.write_bytes(gzip.compress(b"mia\n")[:-4])
    with pytest.raises(DocumentError, match="damaged or incomplete gzip"):
        list(learning.read_log(packed, []))
    with pytest.raises(DocumentError, match="cannot be read"):
        list(learning.read_log(tmp_path / "none.txt", []))


# ── the command


def _run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    return result.exit_code, result.output


def test_the_command_learns_from_queries(index: Index, log: list[str], tmp_path: Path) -> None:
    file, out = tmp_path / "log.txt", tmp_path / "my.channel"
    file.write_text("\n".join(log), encoding="utf-8")
    code, shown = _run("learn", "--queries", file, "--index", index.path, "--out", out)
    assert code == 0 and "log likelihood\t-" in shown and "η → h\t" in shown
    assert Channel.load(out).sources == ("log.txt",)
    code, shown = _run("search", index.path, "--channel", out, log[0], "--json")
    assert code == 0 and shown
    for wrong in (
        ["--queries", file],
        [file, "--queries", file],
        [],
        [file],
        ["--from", "ru", "--from-scheme"],
    ):
        assert _run("learn", *wrong, "--out", out)[0] == 2


def test_a_channel_that_got_worse_is_not_written(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def worse(*_: object) -> learning.QueryLesson:
        return learning.QueryLesson(Channel.from_scheme("el"), 18, 2, 40, 30.0, -9.0, -9.5, ())

    monkeypatch.setattr(learning, "learn_from_queries", worse)
    file, out = tmp_path / "log.txt", tmp_path / "my.channel"
    file.write_text("kalimera\n", encoding="utf-8")
    arguments = ["learn", "--queries", file, "--index", index.path, "--out", out]
    code, shown = _run(*arguments)
    assert code == 1 and "less likely" in shown and not out.exists()
    assert _run(*arguments, "--force")[0] == 0 and out.exists()


def test_an_interruption_leaves_nothing(
    index: Index, log: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(learning._Reader, "log_likelihood", interrupted)
    file = tmp_path / "log.txt"
    file.write_text("\n".join(log[:30]), encoding="utf-8")
    code, _ = _run("learn", "--queries", file, "--index", index.path, "--out", tmp_path / "my.channel")
    assert code == 130 and list(tmp_path.iterdir()) == [file]


# ── what is known before


def test_a_few_pairs_keep_what_the_shipped_channel_knows(tmp_path: Path) -> None:
    file = tmp_path / "pairs.tsv"
    file.write_text("नमस्ते\tnamastey\n" * 3, encoding="utf-8")
    shipped, lesson, fresh = Channel.load("hi"), learn(file, "hi"), learn(file, "hi", from_scheme=True)
    words = [("अंग्रेज़ी", "angrezi"), ("पनीर", "paneer"), ("मसाला", "masala")]
    known, kept, lost = (
        sum(channel.score(*pair) for pair in words) for channel in (shipped, lesson.channel, fresh.channel)
    )
    assert kept == pytest.approx(known, abs=1.0) and kept > lost
    assert lesson.channel.sources == (*shipped.sources, "pairs.tsv")
    assert lesson.channel.score("नमस्ते", "namastey") > shipped.score("नमस्ते", "namastey")


def test_a_related_language_lends_its_rows() -> None:
    hindi = Channel.load("hi")
    alone, shared = Channel.from_scheme("mr"), Channel.from_scheme("mr", hindi)
    pairs = [
        ("महाराष्ट्र", "maharashtra"),
        ("सरकार", "sarkar"),
        ("भारतीय", "bharatiya"),
        ("राजकारण", "rajkaran"),
    ]
    assert sum(shared.score(*pair) for pair in pairs) > sum(alone.score(*pair) for pair in pairs) + 1
    assert shared.language == "mr" and set(shared.letters) == set(languages.load("mr").letters)
    assert all(shared.score(native, latin) <= 0 for native, latin in pairs)
    with pytest.raises(ChannelError, match="Greek shares no letters with hi"):
        Channel.from_scheme("el", hindi)


def test_a_channel_starts_from_itself_unchanged() -> None:
    hindi = Channel.load("hi")
    again = Channel.from_scheme("hi", hindi)
    for native, latin in [("भारत", "bharat"), ("प्रधानमंत्री", "pradhanmantri")]:
        assert again.score(native, latin) == pytest.approx(hindi.score(native, latin), abs=0.02)
    assert changes(hindi, hindi, [("भारत", 1.0)]) == []


def test_a_language_file_names_its_relative(tmp_path: Path) -> None:
    hindi = Path(languages.__file__).with_name("hi.toml").read_text(encoding="utf-8")
    file = tmp_path / "xx.toml"
    file.write_text(f'related = "mr"\n{hindi}', encoding="utf-8")
    language, shared = languages.load_file(file), Channel.from_scheme("hi", Channel.load("mr"))
    told = Channel.from_scheme(language)
    assert told.score("सरकार", "sarkar") == pytest.approx(shared.score("सरकार", "sarkar"), abs=0.02)
    assert told.sources == Channel.load("mr").sources
    learned = Channel.learn(language, [("सरकार", "sarkar", 1.0)], sources=["mine"])
    assert learned.sources == (*told.sources, "mine")
    for wrong in ("xx", "yy", ""):
        file.write_text(f'related = "{wrong}"\n{hindi}', encoding="utf-8")
        with pytest.raises(LanguageError, match="related: needs"):
            languages.load_file(file)


def test_an_index_keeps_a_channel_of_its_own(tmp_path: Path) -> None:
    learned = Channel.learn("el", [("χωρα", "xwra", 50.0), ("θα", "8a", 50.0)], sources=["mine"])
    learned.save(tmp_path / "my.channel")
    with Index.create(tmp_path / "index", languages=[str(tmp_path / "my.channel"), "ru"]) as index:
        index.add([("1", "χώρα")])
        index.commit()
        assert set(index.languages) == {"el", "ru"}
    (tmp_path / "my.channel").unlink()
    with Index.open(tmp_path / "index") as index:
        assert {channel.language: channel.sources for channel in index.bridge.channels}["el"] == ("mine",)
        assert [hit.id for hit in index.search("xwra")] == ["1"]
    scheme = Channel.from_scheme("el")
    with Index.open(tmp_path / "index", [scheme]) as index:
        assert scheme in index.bridge.channels and len(index.bridge.channels) == 2
    (tmp_path / "index" / "el.channel").write_bytes(b"scriptbridge-channel 1\n12345678\n")
    with pytest.raises(ChannelError, match="damaged"):
        Index.open(tmp_path / "index")
    with pytest.raises(ChannelError, match="cannot read"):
        Index.create(tmp_path / "other", languages=[str(tmp_path / "none.channel")])


def test_an_index_reads_a_language_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tajik, as docs/languages.md has it."""
    monkeypatch.chdir(tmp_path)
    page = Path(__file__).parent.parent / "docs" / "languages.md"
    _, _, tajik = page.read_text(encoding="utf-8").partition("```toml\n")
    Path("tg.toml").write_text(tajik.partition("```")[0], encoding="utf-8")
    Channel.from_scheme(languages.load_file("tg.toml")).save("tg.channel")
    with Index.create("index", languages=["tg.channel"]) as index:
        index.add([("1", "Шаҳри Хуҷанд"), ("2", "Салом")])
        index.commit()
    Path("tg.channel").unlink()
    with Index.open("index") as index:
        assert index.languages == ("tg",) and index.unread == {}
        assert [hit.id for hit in index.search("khujand")] == ["1"]
        lesson = learning.learn_from_queries(["xujand", "khujand"], index, languages.load_file("tg.toml"))
        assert lesson.channel.language == "tg"
        lesson.channel.save("learned.channel")
    assert "languages  tg\n" in _run("info", "index")[1]
    code, shown = _run("search", "index", "--channel", "learned.channel", "xujand")
    assert code == 0 and "[Хуҷанд]" in shown
    Path("docs.tsv").write_text("id\ttext\n1\tШаҳри Хуҷанд\n", encoding="utf-8")
    assert _run("index", "detected", "docs.tsv")[0] == 0
    code, shown = _run("search", "detected", "--channel", "learned.channel", "xujand")
    assert code == 0 and "[Хуҷанд]" in shown
    replace(lesson.channel, language="../tg").save("wrong.channel")
    with pytest.raises(LanguageError, match=r"language '\.\./tg' of a channel came"):
        Index.create("other", languages=["wrong.channel"])
    Path("index", "tg.channel").unlink()
    with pytest.raises(IndexFormatError, match="language 'tg' is unknown"):
        Index.open("index")
