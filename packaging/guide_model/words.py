"""Words that slots are filled with, and invented ones that no model has seen."""

from __future__ import annotations

import random

from .general_words import GENERAL
from .texts import words

NAMES = words(
    "Ann Bob Carl Dora Emma Felix Greta Hans Ida Jack Karl Lena Max Nina Oscar Paul Rosa Sam Tina Uwe Vera Will Yuki Zoe Maria"
    " John Peter Laura Omar Aisha Chen Li Wei Anna David Sarah Thomas Julia Marco Elena Ivan Olga Pedro Lucia Amir Priya Raj Kofi"
    " Amara Noah Liam Mia Ella Leo Finn Clara Hugo Alice Simon Ruth Daniel Eva Bruno Nora Victor Ines Jonas Alma Tom Kate"
)  # fmt: skip
PLACES = words(
    "Paris London Berlin Rome Madrid Tokyo Cairo Oslo Vienna Lima Delhi Boston Dublin Lisbon Prague Athens Warsaw Seoul Sydney"
    " Toronto Chicago Hamburg Munich Naples Geneva Bern Basel Porto Nairobi Lagos Accra Quito Havana Dallas Denver Kyoto Osaka"
    " France Germany Italy Spain Japan China India Brazil Canada Norway Sweden Finland Egypt Kenya Peru Chile Mexico Poland Turkey"
)  # fmt: skip
THINGS = words(
    "apple bridge castle dog engine flower garden hammer island jacket kettle lamp mountain notebook ocean piano queen river ship"
    " table umbrella violin window yacht zebra bottle camera desk elephant forest guitar horse igloo jewel kitchen lemon market"
    " needle orange pencil rabbit spoon tiger uniform village whale cat car house tree book phone chair shoe bicycle train plane"
    " cake bread cheese coffee tea egg fish bird star rock clock door key box cup hat shirt ring boat robot dragon wizard planet"
)  # fmt: skip
ADJECTIVES = words(
    "red blue green yellow black white big small old new fast slow warm cold happy sad loud quiet soft hard sweet sour bright dark"
    " heavy light round flat wet dry clean dirty brave clever kind lazy strange famous purple golden silver broken hungry tired"
)  # fmt: skip
PLURALS = tuple(f"{word}s" for word in THINGS if not word.endswith(("s", "x")))
VERBS = words(
    "run jump sleep sing fly dance eat drink read write swim play walk talk laugh fall grow shine wait listen climb"
)

ONSETS = words(
    "b c d f g h j k l m n p r s t v w z b c d f g h j k l m n p r s t v w z br ch cl cr dr fl gr kl pl pr sh sk sl sn sp st th tr vr zh qu x y"
)
VOWELS = words("a e i o u a e i o u a e i o u ai ea ou oo ie y au")
CODAS = (
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "n",
    "r",
    "s",
    "t",
    "l",
    "k",
    "m",
    "p",
    "x",
    "nd",
    "rk",
    "st",
    "th",
    "ng",
    "ck",
    "lt",
    "sh",
    "d",
    "b",
    "g",
)


def syllable(rng: random.Random) -> str:
    return rng.choice(ONSETS) + rng.choice(VOWELS) + rng.choice(CODAS)


def invented(rng: random.Random) -> str:
    """A word that does not exist, of one to three syllables, at least four letters."""
    word = syllable(rng) + syllable(rng)
    if rng.random() < 0.25:
        word += syllable(rng)
    elif rng.random() < 0.15:
        word = word[:5]
    return word


ACCENTS = {
    "a": "äåãá",
    "e": "éèêě",
    "i": "íîï",
    "o": "öøóôő",
    "u": "üúů",
    "s": "šşß",
    "c": "çč",
    "n": "ñň",
    "l": "ł",
    "z": "žż",
}


def accented(rng: random.Random) -> str:
    """An invented name with a letter that English does not have."""
    name = invented(rng).capitalize()
    at = [index for index, letter in enumerate(name) if letter in ACCENTS]
    if not at:
        return name + "ø"
    index = rng.choice(at)
    return name[:index] + rng.choice(ACCENTS[name[index]]) + name[index + 1 :]


def long_word(rng: random.Random) -> str:
    """An invented word of many tokens; some say a syllable twice, where copying may jump."""
    name = invented(rng)
    return name + (name[-3:] if rng.random() < 0.4 else syllable(rng) + syllable(rng))


def repetitive_number(rng: random.Random) -> str:
    """Three to seven digits of which some come again, so that one before it does not tell where the copy is."""
    digits = rng.sample("0123456789", rng.choice((1, 2, 2, 3, 3)))
    return rng.choice("123456789") + "".join(rng.choices(digits, k=rng.choice((2, 3, 4, 5, 6))))


def number(rng: random.Random) -> str:
    """A number of one to six digits, short ones more often."""
    digits = rng.choice((1, 2, 2, 3, 3, 4, 4, 5, 6))
    return str(rng.randrange(10 ** (digits - 1), 10**digits)) if digits > 1 else str(rng.randrange(10))


def word(rng: random.Random) -> str:
    """Any word: sometimes one that does not exist."""
    if rng.random() < 0.3:
        return invented(rng)
    if rng.random() < 0.6:
        return rng.choice(GENERAL)
    return rng.choice(rng.choice((NAMES, PLACES, THINGS, ADJECTIVES, PLURALS, VERBS)))
