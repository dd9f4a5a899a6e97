"""Korean words: where the stem ends and what is attached to it begins, 학교에서 → 학교 에서.

Particles and endings follow a word without a space. They are cut off by rules alone: a closed list of
particles, with the consonant or vowel that each wants before it, of what makes verbs of nouns (하다, 되다,
이다), and of verbal endings. A wrong cut does little harm, since documents and queries are cut alike.
"""

from __future__ import annotations

from functools import lru_cache

import regex

__all__ = ["VERSION", "cut"]

VERSION = 1  # of the rules: one more with each change, since documents and queries have to be cut alike

LONGEST = 40  # syllables of a word that is cut; longer ones are not words

_AFTER_ANY = """
    에 에서 에게 에게서 에는 에도 에만 에의 에서는 에서도 에서의 의 도 만 만을 만이 만의 까지 까지의 부터
    부터의 마다 보다 처럼 같이 께서 한테 한테서 조차 마저 뿐 대로 밖에 하고 들 엔 에선 쯤 씩 째 적 간의
    중인 당시
"""
_AFTER_VOWEL = "는 가 를 와 로 로서 로써 로부터 로는 로도 로의 나 랑 라도 야말로 여"
_AFTER_CONSONANT = """
    은 이 을 과 으로 으로서 으로써 으로부터 으로는 으로도 으로의 이나 이랑 이라도 이야말로
"""
# After one syllable, too.
_SURE = frozenset(
    {"은", "는", "을", "를", "에서", "에게", "까지", "부터", "으로", "처럼", "에는", "에서는", "에도"}
)

# What makes a verb of a noun, and what ends a verb.
_VERBAL = """
    하 한 할 함 해 했 하였 하여 되 된 될 됨 돼 됐 되었 되어 시키 시킨 시킬 시켰 시켜 당하 당한 당할 당했 받
    받은 받을 받았 받아 이 인 인가 인지 일 일까 일까요 임 였 이었 입 이자 이던
"""
_ENDING = """
    다 고 며 면 면서 지 지만 지는 지도 나 으나 으며 으면 으면서 는데 던 는가 는지 은가 은지 을까 을까요
    었 었다 었던 었고 었으며 였다 다가 다고 다는 다며 다면 라 라고 라는 란 라면 기 기도 기로 기에 기를
    기는 기까지 게 도록 자 자마자 려 려고 려는 려던 거나 어 어서 아 아서 여 여서 서 는 은 을 음 니 니다
    므로 으므로 요 어요 아요 나요 습니다 습니까 고자 고서 고는 든 든지 던가 던지 더라 데 인 일 네 세요
"""
# Those of them that are seldom anything else at the end of a word.
_CLEAR = """
    면서 지만 는데 도록 려고 려는 거나 어서 아서 는가 는지 습니다 습니까 기도 기로 기에 기를 지는 다는 다고
    라는 라고 어야 아야 나요 을까 을까요 던 고
"""


def _any(words: str) -> str:
    """A pattern of one of the words, the longest first."""
    return f"(?:{'|'.join(sorted(words.split(), key=len, reverse=True))})"


_PAST = "".join(chr(code) for code in range(ord("갔"), 0xD7A4, 28))  # syllables that end in ㅆ
_VERB = regex.compile(
    rf"(?P<stem>\p{{Hangul}}{{2,}}?)(?P<rest>{_any(_VERBAL)}{_any(_ENDING)}*)"
    rf"|(?P<stem>\p{{Hangul}}+?)(?P<rest>[았었였겠]{_any(_ENDING)}+)"
    rf"|(?P<stem>\p{{Hangul}}*[{_PAST}])(?P<rest>{_any(_ENDING)}+)"
    rf"|(?P<stem>\p{{Hangul}}{{2,}}?)(?P<rest>{_any(_CLEAR)})"
)
# Particles, the longest first, with whether a consonant has to stand before them; None: either may.
_PARTICLES = {
    particle: closed
    for closed, particles in ((None, _AFTER_ANY), (False, _AFTER_VOWEL), (True, _AFTER_CONSONANT))
    for particle in particles.split()
}
_PARTICLES = dict(sorted(_PARTICLES.items(), key=lambda item: -len(item[0])))
_FINALS = 28  # what a syllable may end in, with nothing
_L = 8  # ㄹ, after which 로 stands as after a vowel


@lru_cache(maxsize=1 << 16)
def cut(word: str) -> tuple[str, ...]:
    """The stem of a word of Hangul syllables and what is attached to it; joined, they are the word.

    None of them, by itself, would be cut again: a term that is typed is that term.
    """
    verb = _VERB.fullmatch(word) if len(word) <= LONGEST else None
    attached = verb["rest"] if verb else _particle(word)
    return (*cut(word.removesuffix(attached)), *cut(attached)) if attached else (word,)


def _particle(word: str) -> str:
    """The longest particle that the word may end in, or ""."""
    if len(word) > LONGEST:
        return ""
    for particle, closed in _PARTICLES.items():
        stem = len(word) - len(particle)
        if stem >= (1 if particle in _SURE else 2) and word.endswith(particle):
            final = (ord(word[stem - 1]) - ord("가")) % _FINALS
            if closed is None or closed == (final > 0) or (final == _L and particle[0] == "로"):
                return particle
    return ""
