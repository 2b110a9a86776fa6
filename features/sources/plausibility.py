"""Which encoding bytes are written in: by how much of them becomes letters that people write.

Most bytes can be decoded in several ways without an error, to text of one language and to none.
A way is judged by the share of its characters beyond ASCII that are common where it is used:
everyday characters of Chinese, Japanese and Korean, letters in the places where letters stand.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from functools import cache

LEAST = 0.7
"""Share of plausible characters from which a way of decoding is believed."""

_USUAL = frozenset({"cp1252", "gb18030", "cp950", "big5hkscs", "cp932", "euc_jp", "cp949"})
_PRIOR_LETTERS = 2
_FEW_LETTERS = 3

_SIGNS = frozenset("€£¥§°™®©«»„“”‘’‚–—…•·†‰¡¿ªº½¼¾×±²³µ¶\u00a0\u00ad№")
_WESTERN = (
    *("äöüß", "àâæçéèêëîïôœùûüÿ", "áéíñóúüç", "áâãàçéêíóôõú", "åæøéäö", "àèéìòù", "ëïéèöüá"),
    *("áðéíóúýþæö", "äöåéšž"),
)
"""The letters of languages, each with its own."""
_ALONE = frozenset("àáâéèíóúåøöæüeıоавиксуя")
"""Letters that are words by themselves."""
_RARE = frozenset("ðþý")
"""Letters of Iceland, which other bytes of Turkish look like."""
_CENTRAL = (
    *("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "ăâîşţ", "čćđšž", "äöüß"),
)
_TURKISH = ("çğıİöşüâî",)


def believed_encoding(sample: bytes) -> str | None:
    """The encoding in which a sample of lines is likeliest written; None where none is likely.

    Parameters
    ----------
    sample : whole lines that are not UTF-8
    """
    shares: dict[str, float] = {}
    weights: dict[str, float] = {}
    for encoding, judge in _JUDGES.items():
        try:
            text = sample.decode(encoding)
        except UnicodeDecodeError:
            continue
        beyond = sum(not letter.isascii() for letter in text)
        if beyond:
            plausible = judge(text)
            shares[encoding] = plausible / beyond
            # few letters tell little: then the usual encodings go before rarer ones
            usual = 1.0 if encoding in _USUAL else 0.5
            weights[encoding] = (plausible + usual * _PRIOR_LETTERS) / (beyond + _PRIOR_LETTERS)
    best = max(weights, key=lambda encoding: weights[encoding], default=None)
    if best is None or shares[best] < LEAST or _is_toss_up(sample, best, weights):
        return None
    return best


def _is_toss_up(sample: bytes, best: str, weights: dict[str, float]) -> bool:
    """Whether other letters are as likely, of so few that nothing decides."""
    text = sample.decode(best)
    if sum(not letter.isascii() for letter in text) > _FEW_LETTERS:
        return False
    return any(
        weight >= weights[best] and sample.decode(encoding) != text
        for encoding, weight in weights.items()
    )


def _by_set(text: str, common: frozenset[str], less: frozenset[str] = frozenset()) -> float:
    """Characters that are common, of those that are less so the half; none within a Latin word."""
    total = 0.0
    ahead = ""
    for position, letter in enumerate(text):
        if (
            letter > "\x7f"
            and ahead not in _SMALL
            and text[position + 1 : position + 2] not in _SMALL
        ):
            total += (letter in common) + (letter in less) / 2
        ahead = letter
    return total


_SMALL = frozenset("abcdefghijklmnopqrstuvwxyz")


def _decoded(encoding: str, leads: range, trails: range) -> frozenset[str]:
    pairs = (bytes((lead, trail)) for lead in leads for trail in trails)
    return frozenset("".join(pair.decode(encoding, "ignore") for pair in pairs))


_TRAILS = range(0xA1, 0xFF)


@cache
def _signs_of_east() -> frozenset[str]:
    """Punctuation and letters of full width, as all of the East writes them."""
    wide = (*range(0x3001, 0x3020), *range(0xFF01, 0xFF5F), 0x3000, 0xFFE5, 0xFFE1)
    return frozenset(map(chr, wide)) | frozenset("·—…“”‘’×°℃①②③④⑤⑥⑦⑧⑨⑩")


@cache
def _simplified() -> frozenset[str]:
    return _decoded("gb2312", range(0xB0, 0xD8), _TRAILS) | _signs_of_east()


@cache
def _traditional() -> frozenset[str]:
    trails = (*range(0x40, 0x7F), *_TRAILS)
    level = (bytes((lead, trail)) for lead in range(0xA4, 0xC7) for trail in trails)
    return frozenset("".join(pair.decode("cp950", "ignore") for pair in level)) | _signs_of_east()


@cache
def _kana() -> frozenset[str]:
    return frozenset(map(chr, (*range(0x3041, 0x3097), *range(0x30A1, 0x30FF))))


@cache
def _japanese() -> frozenset[str]:
    kanji = _decoded("euc_jp", range(0xB0, 0xD0), _TRAILS)
    return kanji | _kana() | _signs_of_east() | frozenset("々〆")


@cache
def _half_kana() -> frozenset[str]:
    return frozenset(map(chr, range(0xFF61, 0xFFA0)))


@cache
def _hangul() -> frozenset[str]:
    return _decoded("euc_kr", range(0xB0, 0xC9), _TRAILS)


def _chinese_simplified(text: str) -> float:
    return _by_set(text, _simplified(), _traditional() - _simplified())


def _chinese_traditional(text: str) -> float:
    return _by_set(text, _traditional() - _kana())


def _japanese_text(text: str) -> float:
    return _by_set(text, _japanese(), _half_kana())


def _korean(text: str) -> float:
    """Hangul alone: bytes of Chinese are hangul by half."""
    share = _by_set(text, _hangul() | _signs_of_east())
    beyond = sum(letter > "\x7f" for letter in text)
    # a little more than one: such bytes are everyday Chinese as well, all in the first rows
    return share * 1.01 if beyond >= 20 and share >= 0.98 * beyond else share * 0.9


_RUN = re.compile(r"[^\x00-\x7f]+")


def _alphabet(languages: tuple[str, ...], longest_run: int = 2) -> Callable[[str], float]:
    """Judges letters that stand between those of ASCII, few at a time, best of one language."""
    letters = frozenset("".join(languages)) | frozenset("".join(languages).upper())

    def judged(text: str) -> float:
        letters_kept: list[str] = []
        signs = 0
        for run in _RUN.finditer(text):
            before = text[run.start() - 1 : run.start()]
            after = text[run.end() : run.end() + 1]
            fitting, fitting_signs = _of_run(before + run[0] + after, len(before), letters)
            fitting = fitting if len(fitting) <= longest_run else []
            letters_kept += fitting
            signs += fitting_signs
        counts = Counter(letter if letter == "İ" else letter.lower() for letter in letters_kept)
        of_one = max(sum(counts[letter] for letter in language) for language in languages)
        everyday = sum(letter.lower() not in _RARE for letter in letters_kept)
        return signs + (3 * everyday + of_one) / 4

    return judged


def _of_run(run: str, first: int, letters: frozenset[str]) -> tuple[list[str], int]:
    """The letters of a run that stand where letters do, and how many signs where signs do.

    `run` holds what is around it as well; it begins at `first`.
    """
    beyond = [(position, letter) for position, letter in enumerate(run) if letter > "\x7f"]
    letters_kept, signs = [], 0
    for position, letter in beyond:
        ahead = run[position - 1 : position] if position >= max(first, 1) else ""
        behind = run[position + 1 : position + 2]
        if letter in letters:
            is_lone = not (ahead.isalpha() or behind.isalpha())
            is_alone = is_lone and (
                letter.lower() not in _ALONE or (ahead + behind).isdigit() or behind.isdigit()
            )
            if not (ahead.islower() and letter.isupper()) and not is_alone:
                letters_kept.append(letter)
        elif letter in _SIGNS:
            between = ahead.isalpha() and behind.isalpha()
            is_ordinal = letter in "ºª" and ahead in ("N", "n")  # Nº
            beside = letter in "²³µ¶½¼¾¿¡ªº†±" and (ahead.isalpha() or behind.islower())
            beside = (beside and not is_ordinal) or (letter in "‚„" and ahead.isalpha())
            beside = beside or (letter == "°" and not (ahead.isdigit() or ahead.isspace()))
            signs += not beside and (not between or letter in "’·\u00ad")
    return letters_kept, signs


def _script(name: str) -> Callable[[str], float]:
    """Judges words of one script, which do not mix with letters of ASCII."""

    def judged(text: str) -> float:
        total, ahead = 0.0, ""
        for position, letter in enumerate(text):
            if letter > "\x7f":
                behind = text[position + 1 : position + 2]
                is_alone = not (ahead.isalpha() or behind.isalpha())
                is_word = unicodedata.name(letter, "").startswith(name)
                is_word = is_word and not (is_alone and letter.lower() not in _ALONE)
                mixed = ahead.isalpha() and (
                    ahead.isascii() or (ahead.islower() and letter.isupper())
                )
                total += (is_word and not mixed) or (
                    letter in _SIGNS and not ahead.isalpha() and (letter != "°" or ahead.isdigit())
                )
            ahead = letter
        return total

    return judged


# of two that are equally plausible the first counts
_JUDGES: dict[str, Callable[[str], float]] = {
    "cp1252": _alphabet(_WESTERN),
    "cp1250": _alphabet(_CENTRAL, longest_run=4),
    "cp1254": _alphabet(_TURKISH),
    "gb18030": _chinese_simplified,
    "cp950": _chinese_traditional,
    "big5hkscs": _chinese_traditional,
    "cp932": _japanese_text,
    "euc_jp": _japanese_text,
    "cp949": _korean,
    "cp1251": _script("CYRILLIC"),
    "koi8_r": _script("CYRILLIC"),
    "cp866": _script("CYRILLIC"),
    "cp1253": _script("GREEK"),
    "cp1255": _script("HEBREW"),
    "cp1256": _script("ARABIC"),
    "mac_roman": _alphabet(_WESTERN),
    "cp850": _alphabet(_WESTERN),
}
