"""Every language file holds what it must, a broken one is refused by name, documents are told apart."""

from __future__ import annotations

import json
import math
import unicodedata
from importlib import resources
from pathlib import Path

import pytest

from scriptbridge import kernels, languages, sounds, text
from scriptbridge.errors import LanguageError
from scriptbridge.languages.language import MAX_SEGMENT, MAX_SPELLING

SHIPPED = sorted(path.stem for path in Path(languages.__file__).parent.glob("*.toml"))
# In steps, differently from one input method to the next, or in one of several layouts: no keyboard.
TYPED_BY_SOUND = {"am", "ja", "my", "ti", "zh"}
KEYBOARDS = [
    (code, each)
    for code in languages.codes()
    if code not in TYPED_BY_SOUND
    for each in languages.load(code).typing.all_keyboards or [{}]
]

GREEKISH = """
name = "Greekish"
native_name = "Ελ"
scripts = ["Grek"]
letters = "αθν"
frequent = ["να", "αν-", "-θα"]

[segments]
"α" = { a = 1 }
"θ" = { th = 3, 8 = 1 }
"ν" = { n = 1 }
"αν" = { an = 2, un = 1 }

[examples]
"Θάν" = ["than", "8an"]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "xx.toml"


def written(path: Path, toml: str) -> languages.Language:
    path.write_text(toml, encoding="utf-8")
    return languages.load_file(path)


def producible(spellings: dict[str, dict[str, float]], native: str, latin: str) -> bool:
    """Whether some segmentation of the native word writes the Latin one."""
    reached = {(0, 0)}  # letters read, letters written
    for read in range(len(native)):
        for _, wrote in [place for place in reached if place[0] == read]:
            for length in range(1, min(MAX_SEGMENT, len(native) - read) + 1):
                for spelling in spellings.get(native[read : read + length], ()):
                    if latin.startswith(spelling, wrote):
                        reached.add((read + length, wrote + len(spelling)))
    return (len(native), len(latin)) in reached


def forms(language: languages.Language, word: str) -> list[str]:
    """What the language's channel reads for a word: the word itself, or what it sounds like."""
    normal = text.normalize(word)
    return [form for form, _ in sounds.spoken(language.sounds, normal)] if language.sounds else [normal]


# -- the shipped files


def test_the_languages_are_shipped() -> None:
    spelled = "am ar be bg bn el fa gu he hi hy ka kk kn mk ml mn mr ne pa ps ru sd si sr ta te ti uk ur"
    sounded = "ja km ko my th zh"
    assert list(languages.codes()) == sorted(f"{spelled} {sounded}".split()) == SHIPPED
    assert [code for code in SHIPPED if languages.load(code).sounds] == sounded.split()


def test_segments_and_spellings_fit_the_kernels() -> None:
    assert MAX_SEGMENT == kernels.MAX_UNIT
    assert MAX_SPELLING == kernels.MAX_SPELLING


@pytest.mark.parametrize("code", SHIPPED)
def test_examples_are_producible(code: str) -> None:
    language = languages.load(code)
    spellings = language.spellings()
    assert len(language.examples) >= 40
    for word, romanizations in language.examples.items():
        assert "".join(text.terms(word)) == text.normalize(word), word  # some are cut into words
        for latin in romanizations:
            typed = sounds.typed(language.sounds, latin)
            assert any(producible(spellings, form, typed) for form in forms(language, word)), (
                f"{code}: {word} → {latin}"
            )


@pytest.mark.parametrize("code", SHIPPED)
def test_spellings_are_probabilities_that_fit(code: str) -> None:
    language = languages.load(code)
    spellings = language.spellings()
    assert spellings.keys() == language.segments.keys()
    for segment, shares in spellings.items():
        assert math.isclose(sum(shares.values()), 1.0), segment
        assert all(0 < share <= 1 and len(latin) <= MAX_SPELLING for latin, share in shares.items())


@pytest.mark.parametrize("code", SHIPPED)
def test_letters_are_of_the_scripts(code: str) -> None:
    language = languages.load(code)
    for letter in language.letters:
        if letter.isalpha() and letter != "ー":  # of hiragana as of katakana
            assert text.script_of(letter) in {*language.scripts, "Bopo"}, letter


@pytest.mark.parametrize("code", SHIPPED)
def test_frequent_words_are_terms_in_its_letters(code: str) -> None:
    language = languages.load(code)
    assert len(set(language.frequent)) == len(language.frequent) >= 15
    for sign in language.frequent:
        if language.sounds:
            assert forms(language, sign.strip("-")), sign
        assert set("".join(forms(language, sign.strip("-")))) <= set(language.letters), sign
        if "-" not in sign:
            assert "".join(text.terms(sign)) == sign


@pytest.mark.parametrize(("code", "keyboard"), KEYBOARDS)
def test_keyboards_type_the_language(code: str, keyboard: dict[str, str]) -> None:
    """Nearly all of its own letters have a key, and what keys type is of its script."""
    language = languages.load(code)
    typed = "".join(keyboard.values())
    parts = {*unicodedata.normalize("NFD", typed), *"".join(map(text.normalize, keyboard.values()))}
    own = language.letters.removesuffix(language.borrowed)
    if code == "ko":  # what keys type at a syllable's beginning, they type at its end
        own = "".join(letter for letter in own if letter < "\u11a8")
    without = [letter for letter in own if not set(unicodedata.normalize("NFD", letter)) <= parts]
    assert len(without) <= 4, without  # those of AltGr, such as Sinhala ඳ, which a US keyboard lacks
    for native in keyboard.values():
        assert native == native.lower()
        assert text.script_of(native) in {*language.scripts, "Zyyy"}, native


@pytest.mark.parametrize(
    ("code", "key", "native"),
    [
        ("ru", "`", "ё"), ("uk", "]", "ї"), ("el", "s", "σ"), ("el", "w", "ς"), ("el", ";", "\u0301"),
        ("he", "a", "ש"), ("he", "w", "'"), ("ar", "b", "لا"), ("ar", "a", "ش"), ("fa", "'", "گ"),
        ("ur", "t", "ٹ"), ("sd", "k", "ڪ"), ("hi", "d", "्"), ("hi", "K", "ख"), ("mr", "N", "ळ"),
        ("bn", "/", "\u09df"), ("gu", "k", "ક"), ("pa", "J", "ੜ"), ("ta", "B", "ழ"), ("te", "j", "ర"),
        ("kn", "y", "ಬ"), ("ml", "V", "ൻ"), ("si", "wd", "ආ"), ("si", "`", "්\u200dර"),
        ("bg", "q", "я"), ("bg", "X", "ѝ"), ("sr", "y", "з"), ("sr", "'", "ћ"), ("mk", "]", "ѓ"),
        ("mk", "`", "\u0300"), ("be", "o", "ў"), ("be", "]", "'"), ("kk", "2", "ә"), ("kk", "=", "һ"),
        ("mn", "f", "ө"), ("mn", "-", "е"), ("ne", "/", "्"), ("ne", "C", "छ"), ("ka", "w", "წ"),
        ("ka", "W", "ჭ"), ("hy", "&", "և"), ("hy", "u", "ը"), ("ps", "A", "ښ"), ("ps", "x", "ې"),
        ("ko", "r", "ㄱ"), ("ko", "hk", "ㅘ"), ("ko", "T", "ㅆ"),
    ],
)  # fmt: skip
def test_known_keys(code: str, key: str, native: str) -> None:
    assert languages.load(code).keyboard[key] == native


@pytest.mark.parametrize("code", sorted(TYPED_BY_SOUND))
def test_what_is_typed_by_sound_has_no_keyboard(code: str) -> None:
    assert languages.load(code).keyboard == {}


# -- the loader


def test_a_file_of_ones_own(file: Path) -> None:
    language = written(file, GREEKISH)
    assert (language.code, language.name, language.scripts, language.letters) == (
        "xx",
        "Greekish",
        ("Grek",),
        "αθν",
    )
    assert language.segments["θ"] == {"th": 3.0, "8": 1.0}
    assert language.spellings()["θ"] == {"th": 0.75, "8": 0.25}
    assert language.examples == {"Θάν": ["than", "8an"]}


def test_doubling_moves_weight_to_doubled_consonants(file: Path) -> None:
    language = written(file, GREEKISH.replace("[segments]", "doubling = 0.2\n[segments]", 1))
    assert language.spellings()["ν"] == pytest.approx({"n": 0.8, "nn": 0.2})
    assert language.spellings()["α"] == {"a": 1.0}
    assert language.spellings()["θ"] == pytest.approx(
        {"th": 0.6, "tth": 0.075, "thth": 0.075, "8": 0.2, "88": 0.05}
    )


def test_unwritten_vowels_follow_carriers_and_segments_that_end_in_one(file: Path) -> None:
    keys = 'carriers = "θν"\nunwritten = { "" = 3, a = 1 }\n[segments]'
    language = written(file, GREEKISH.replace("[segments]", keys, 1))
    assert language.spellings()["ν"] == {"n": 0.75, "na": 0.25}
    assert language.spellings()["αν"] == pytest.approx(
        {"an": 1 / 2, "un": 1 / 4, "ana": 1 / 6, "una": 1 / 12}
    )
    assert language.spellings()["α"] == {"a": 1.0}


def test_spellings_too_long_for_the_kernels_are_left_out(file: Path) -> None:
    keys = 'carriers = "θ"\nunwritten = { "" = 1, oua = 1 }\n[segments]'
    language = written(file, GREEKISH.replace("[segments]", keys, 1))
    assert language.spellings()["θ"] == pytest.approx({"th": 3 / 5, "8": 1 / 5, "8oua": 1 / 5})


def test_a_keyboard_has_rows_of_keys_and_keys_pressed_one_after_the_other(file: Path) -> None:
    toml = GREEKISH.replace("[examples]", '[keyboard]\nas = "α σ"\n";" = "\\u0301"\nwd = "ω"\n[examples]', 1)
    assert written(file, toml).keyboard == {"a": "α", "s": "σ", ";": "\u0301", "wd": "ω"}
    assert written(file, GREEKISH).keyboard == {}


def test_other_keyboards_have_names(file: Path) -> None:
    language = written(file, GREEKISH.replace("[examples]", '[keyboards.old]\nas = "α σ"\n[examples]', 1))
    assert language.keyboards == {"old": {"a": "α", "s": "σ"}}
    assert language.typing.all_keyboards == [{"a": "α", "s": "σ"}]


def test_borrowed_letters_are_letters_with_segments(file: Path) -> None:
    toml = GREEKISH.replace("[segments]", 'borrowed = "ω"\n[segments]\n"ω" = { o = 1 }', 1)
    assert written(file, toml).letters == "αθνω"
    assert written(file, toml).borrowed == "ω"


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('name = "Greekish"\n', "", "name: missing"),
        ('name = "Greekish"', "name = 3", "name: needs a string"),
        ('native_name = "Ελ"', 'native_name = " "', "native_name: needs a string"),
        ('scripts = ["Grek"]', 'scripts = ["Greek"]', "scripts: 'Greek'; a script is its ISO 15924 code"),
        ('scripts = ["Grek"]', 'scripts = "Grek"', "scripts: needs a list"),
        ('scripts = ["Grek"]', "scripts = []", "scripts: needs a list"),
        ("[segments]", 'segmenter = "x"\n[segments]', "segmenter: unknown key"),
        ("[segments]", 'keyboard = "x"\n[segments]', "keyboard: needs to be a table"),
        ("[segments]", 'keyboards.old = "x"\n[segments]', "keyboards.old: needs to be a table"),
        ("[segments]", 'keyboards = "x"\n[segments]', "keyboards: needs to be a table"),
        ("[segments]", 'keyboards.old.asd = "α σ"\n[segments]', "keyboards.old.asd: needs a string of what"),
        ("[segments]", 'keyboard.asd = "α σ"\n[segments]', "keyboard.asd: needs a string of what each key"),
        ("[segments]", 'keyboard.a = "α σ"\n[segments]', "keyboard.a: needs a string of what each key"),
        ("[segments]", 'keyboard.a = ""\n[segments]', "keyboard.a: needs a string of what each key"),
        ("[segments]", "keyboard.a = 1\n[segments]", "keyboard.a: needs a string of what each key"),
        ("[segments]", 'keyboard."α" = "α"\n[segments]', "keyboard.α: keys are named by the ASCII"),
        ("[segments]", 'keyboard."a b" = "α β"\n[segments]', "keyboard.a b: keys are named by the ASCII"),
        ("[segments]", 'keyboard."" = ""\n[segments]', "keyboard.: keys are named by the ASCII"),
        ("[segments]", 'keyboard.aa = "α β"\n[segments]', "keyboard.aa: a repeated; write each key once"),
        ("[segments]", 'keyboard.a = "αβγδ"\n[segments]', "keyboard.a: a key types 1 to 3 code points"),
        ('letters = "αθν"', 'letters = "αθνω"', "segments: nothing for 'ω'"),
        ('letters = "αθν"', 'letters = "αθνα"', "letters: α repeated"),
        ('letters = "αθν"', 'letters = "αθνΩ"', "letters: 'Ω' is not in normalised form; write 'ω'"),
        ("[segments]", 'borrowed = "α"\n[segments]', "borrowed: α repeated"),
        ('["να", "αν-", "-θα"]', '["νά"]', "frequent: 'νά' is not in normalised form; write 'να'"),
        ('["να", "αν-", "-θα"]', '["-να-"]', "frequent: '-να-'"),
        ('["να", "αν-", "-θα"]', "[7]", "frequent: needs a list"),
        ('"ν" = { n = 1 }', '"ν" = {}', "segments.ν: needs Latin spellings"),
        ('"ν" = { n = 1 }', '"ν" = "n"', "segments.ν: needs Latin spellings"),
        ('"ν" = { n = 1 }', '"ν" = { N = 1 }', "segments.ν: spelling 'N'"),
        ('"ν" = { n = 1 }', '"ν" = { "ñ" = 1 }', "segments.ν: spelling 'ñ'"),
        ('"ν" = { n = 1 }', '"ν" = { nnnnn = 1 }', "segments.ν: spelling 'nnnnn'; a spelling is at most 4"),
        ('"ν" = { n = 1 }', '"ν" = { n = 0 }', "segments.ν.n: a weight is a number above 0"),
        ('"ν" = { n = 1 }', '"ν" = { n = true }', "segments.ν.n: a weight is a number above 0"),
        ('"ν" = { n = 1 }', '"ν" = { n = nan }', "segments.ν.n: a weight is a number above 0"),
        ('"ν" = { n = 1 }', f'"ν" = {{ n = 1{"0" * 400} }}', "segments.ν.n: a weight is a number above 0"),
        ('"αν" =', '"ανθα" =', "segments.ανθα: a segment is 1 to 3 letters"),
        ('"αν" =', '"" =', "segments.: a segment is 1 to 3 letters"),
        ('"αν" =', '"ας" =', "segments.ας: 'ας' is not in normalised form; write 'ασ'"),
        ('"αν" =', '"αλ" =', "segments.αλ: 'λ' is neither in `letters` nor in `borrowed`"),
        ("[segments]", "doubling = 1\n[segments]", "doubling: needs a chance"),
        ("[segments]", 'doubling = "0.1"\n[segments]', "doubling: needs a chance"),
        ("[segments]", 'carriers = "θ"\n[segments]', "carriers: needs `unwritten` too"),
        ("[segments]", "unwritten = { a = 1 }\n[segments]", "unwritten: needs `carriers` too"),
        ("[segments]", 'carriers = "ω"\nunwritten = { a = 1 }\n[segments]', "carriers: ω is not in"),
        ('["than", "8an"]', '["than!"]', "examples.Θάν: 'than!'"),
        ('["than", "8an"]', '"than"', "examples.Θάν: needs a list"),
        ('name = "Greekish"', "name = ", "not valid TOML"),
    ],
)
def test_a_broken_file_is_refused_by_file_and_key(file: Path, old: str, new: str, complaint: str) -> None:
    assert old in GREEKISH
    with pytest.raises(LanguageError) as refusal:
        written(file, GREEKISH.replace(old, new, 1))
    assert str(refusal.value).startswith(f"{file}: {complaint}")


def test_no_segments_at_all(file: Path) -> None:
    with pytest.raises(LanguageError, match="segments: missing"):
        written(file, GREEKISH.split("[segments]")[0])


def test_files_that_cannot_be_read(tmp_path: Path, file: Path) -> None:
    with pytest.raises(LanguageError, match=r"xx\.toml: cannot be read: No such file"):
        languages.load_file(file)
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(LanguageError, match="cannot be read"):
        languages.load_file(tmp_path / "folder.toml")
    file.write_bytes(b'name = "\xff"')
    with pytest.raises(LanguageError, match=r"not UTF-8 text: .* at byte 8"):
        languages.load_file(file)
    file.write_text("a = " + "[" * 100_000)
    with pytest.raises(LanguageError, match="not valid TOML"):
        languages.load_file(file)
    with pytest.raises(LanguageError, match=r"the name before \.toml is the language's code"):
        languages.load_file(tmp_path / "My Greek.toml")


def test_an_unknown_code_names_the_known_ones() -> None:
    with pytest.raises(LanguageError, match=r"unknown language 'tlh'; known: am, ar, .*, ur"):
        languages.load("tlh")
    with pytest.raises(LanguageError, match="unknown language"):
        languages.load("../languages/el")


def test_loaded_once() -> None:
    assert languages.load("el") is languages.load("el")


# -- detection

SENTENCES = {
    "am": ["አዲስ አበባ የኢትዮጵያ ዋና ከተማ ናት", "ዛሬ በጣም ጥሩ ቀን ነው"],
    "ar": [
        "القاهرة عاصمة مصر وأكبر مدنها من حيث عدد السكان",
        "طريقة عمل الكشري المصري في البيت",
        "كيف حالك يا صديقي اليوم",
    ],
    "be": [
        "Мінск — сталіца Беларусі і яе найбуйнейшы горад",
        "Як згатаваць дранікі дома",
        "Сёння добрае надвор'е",
    ],
    "bg": [
        "София е столицата на България и най-големият град в страната",
        "Как се приготвя таратор вкъщи",
        "Къде да отидем през почивните дни",
    ],
    "bn": ["ঢাকা বাংলাদেশের রাজধানী ও বৃহত্তম শহর", "আজ আকাশে অনেক মেঘ করেছে"],
    "el": ["Η Αθήνα είναι η πρωτεύουσα της Ελλάδας", "Πώς φτιάχνεται ο μουσακάς;"],
    "fa": [
        "تهران پایتخت ایران است و جمعیت زیادی دارد",
        "طرز تهیه قورمه سبزی خوشمزه برای چهار نفر",
        "می‌خواهم به خانه بروم",
    ],
    "gu": ["અમદાવાદ ગુજરાતનું સૌથી મોટું શહેર છે", "ઢોકળા બનાવવાની રીત"],
    "he": ["ירושלים היא בירת ישראל", "איך מכינים שקשוקה טובה בבית"],
    "hi": ["दिल्ली भारत की राजधानी है और यहाँ बहुत लोग रहते हैं", "घर पर आलू के पराठे बनाने की आसान विधि"],
    "hy": ["Երևանը Հայաստանի մայրաքաղաքն է", "Ինչպե՞ս պատրաստել տոլմա"],
    "ja": ["東京は日本の首都です", "家でラーメンを作る方法", "コーヒー ケーキ レシピ"],
    "ka": ["თბილისი საქართველოს დედაქალაქია", "როგორ მზადდება ხინკალი"],
    "kk": ["Астана — Қазақстанның елордасы", "Үйде бауырсақ қалай пісіріледі", "Бүгін ауа райы жақсы"],
    "km": ["ភ្នំពេញជារាជធានីនៃប្រទេសកម្ពុជា", "ថ្ងៃនេះមេឃស្រឡះ"],
    "kn": ["ಬೆಂಗಳೂರು ಕರ್ನಾಟಕದ ರಾಜಧಾನಿ", "ಮನೆಯಲ್ಲಿ ದೋಸೆ ಮಾಡುವುದು ಹೇಗೆ"],
    "ko": ["서울은 대한민국의 수도이다", "집에서 김치찌개를 끓이는 법"],
    "mk": [
        "Скопје е главен град на Македонија и има околу половина милион жители",
        "Како се прави тавче гравче дома",
        "Каде да одиме за викендот",
    ],
    "ml": ["തിരുവനന്തപുരം കേരളത്തിന്റെ തലസ്ഥാനമാണ്", "ഇന്ന് നല്ല മഴ പെയ്യുന്നു"],
    "mn": [
        "Улаанбаатар бол Монгол Улсын нийслэл",
        "Гэртээ бууз яаж хийх вэ",
        "Өнөөдөр цаг агаар сайхан байна",
    ],
    "mr": ["मुंबई ही महाराष्ट्राची राजधानी आहे आणि येथे खूप लोक राहतात", "त्यांनी पुण्यामध्ये नवीन घर घेतले आहे"],
    "my": ["ရန်ကုန်သည် မြန်မာနိုင်ငံ၏ အကြီးဆုံးမြို့ ဖြစ်သည်", "ဒီနေ့ ရာသီဥတု သာယာတယ်"],
    "ne": ["काठमाडौँ नेपालको राजधानी हो र यहाँ धेरै मानिस बस्छन्", "घरमा मम बनाउने सजिलो तरिका"],
    "pa": ["ਅੰਮ੍ਰਿਤਸਰ ਪੰਜਾਬ ਦਾ ਇੱਕ ਮਸ਼ਹੂਰ ਸ਼ਹਿਰ ਹੈ", "ਸਰ੍ਹੋਂ ਦਾ ਸਾਗ ਅਤੇ ਮੱਕੀ ਦੀ ਰੋਟੀ"],
    "ps": ["کابل د افغانستان پلازمېنه ده", "څنګه بولاني په کور کې پخوو"],
    "ru": [
        "Москва — столица России, и она очень большая",
        "Как приготовить борщ дома",
        "Где находится вокзал",
        "Сколько стоит билет в театр",
    ],
    "sd": ["ڪراچي سنڌ جو سڀ کان وڏو شهر آهي", "اڄ موسم سٺي آهي پر سڀاڻي مينهن پوندو"],
    "si": ["කොළඹ ශ්‍රී ලංකාවේ විශාලතම නගරයයි", "අද හොඳ වැස්සක් වහිනවා"],
    "sr": [
        "Београд је главни град Србије и налази се на ушћу Саве у Дунав",
        "Како се прави ајвар код куће",
        "Где да идемо за викенд",
    ],
    "ta": ["சென்னை தமிழ்நாட்டின் தலைநகரம் ஆகும்", "வீட்டில் தோசை செய்வது எப்படி"],
    "te": ["హైదరాబాద్ తెలంగాణ రాజధాని", "ఇంట్లో పెసరట్టు ఎలా చేయాలి"],
    "th": ["กรุงเทพมหานครเป็นเมืองหลวงของประเทศไทย", "วันนี้อากาศดีมาก"],
    "ti": ["ኣስመራ ርእሰ ከተማ ኤርትራ እያ", "ሎሚ ኣብ ገዛ ጸብሒ ክንሰርሕ ኢና"],
    "uk": [
        "Київ є столицею України, і він дуже гарний",
        "Як приготувати вареники з вишнями вдома",
        "Де купити квиток",
    ],
    "zh": ["北京是中国的首都", "今天天气很好，我們去公園吧"],
    "ur": [
        "پاکستان کا سب سے بڑا شہر کراچی ہے اور یہ سمندر کے کنارے واقع ہے",
        "آج موسم اچھا ہے لیکن کل بارش ہوگی",
    ],
}


@pytest.mark.parametrize(
    ("code", "sentence"), [(c, s) for c, sentences in SENTENCES.items() for s in sentences]
)
def test_sentences_are_told_apart(code: str, sentence: str) -> None:
    assert languages.detect(text.terms(sentence)) == code


def test_documents_of_the_sample_are_told_apart() -> None:
    """Of a hundred short documents one may be taken for its neighbour's."""
    right = []
    for code in SHIPPED:
        lines = (resources.files("scriptbridge") / "sample" / f"{code}.jsonl").read_text(encoding="utf-8")
        right += [
            languages.detect(text.terms(json.loads(line)["text"])) == code for line in lines.splitlines()
        ]
    assert sum(right) >= 0.99 * len(right)


@pytest.mark.parametrize("nothing", ["", "hello world don't", "12 345", "😀 🎉", "ພາສາລາວ"])
def test_no_known_script_no_language(nothing: str) -> None:
    assert languages.detect(text.terms(nothing)) is None


def test_the_script_of_most_letters_wins() -> None:
    assert languages.detect(text.terms("iPhone 15 Pro Max τιμή και αξιολόγηση")) == "el"
    assert languages.detect(text.terms("Слово «θάλασσα» по-гречески значит море")) == "ru"


def test_detect_takes_any_iterable() -> None:
    assert languages.detect(iter(["και", "το"])) == "el"
    assert languages.detect(["και"] * 100_000) == "el"
