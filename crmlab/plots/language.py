"""A picture's words in the reader's language, and a font that has its letters."""

import importlib.util
import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findSystemFonts, fontManager
from matplotlib.text import Text

from crmlab.errors import InputError
from crmlab.words import ENGLISH, language, translated
from crmlab.words.catalogues import produced

LATIN = "DejaVu Sans"
FIRST_HAN = 0x2E80  # the first code point of the Chinese, Japanese and Korean blocks
CJK = ("zh", "ja", "ko")
# What systems have, the free ones first: Debian's fonts-noto-cjk and others, macOS, Windows.
HAN_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "Noto Sans CJK JP",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "SimHei",
)
HAN_PACKAGE = "pylopdf_fonts_zh_cn"  # of the extra crmlab[zh]: Noto Sans SC under the SIL Open Font License
HAN_FILES = ("notosanscjk", "notosanssc", "sourcehansans", "wqy", "pingfang", "hiragino", "msyh", "simhei")


def font_family() -> list[str]:
    """The fonts of the language in force, the first that has a letter draws it.

    Raises
    ------
    InputError
        If the language needs Chinese letters and no font here has them; the message says how to get one.
    """
    return [LATIN, _han_font()] if language().startswith(CJK) else [LATIN]


def fonts_of(texts: Iterable[str]) -> list[str]:
    """The fonts that draw texts of users, as names of people, whatever the language in force.

    A Chinese font is among them where letters need one and one is here; where there is none, such letters are
    drawn as boxes.
    """
    if any(ord(letter) >= FIRST_HAN for text in texts for letter in text):
        try:
            return [LATIN, _han_font()]
        except InputError:
            return font_family()
    return font_family()


@cache
def _han_font() -> str:
    given = os.environ.get("CRMLAB_FONT")
    if given:
        if not Path(given).is_file():
            raise InputError(f"CRMLAB_FONT is {given!r}; give the path of a .otf, .ttf or .ttc file")
        fontManager.addfont(given)
        return FontProperties(fname=given).get_name()
    found = _packaged() or _first_known() or _first_installed_since()
    if found:
        return found
    raise InputError(
        'no font here has Chinese letters; get one by  pip install "crmlab[zh]"  (in a checkout: '
        'pip install ".[zh]"), or install a system font (Debian and Ubuntu: fonts-noto-cjk), or set '
        "CRMLAB_FONT to the path of one, such as Noto Sans SC"
    )


def _packaged() -> str | None:
    """The font of the extra ``crmlab[zh]``, if that is installed: the same letters on every machine."""
    found = importlib.util.find_spec(HAN_PACKAGE)
    folders = (found.submodule_search_locations or ()) if found is not None else ()
    for path in (each for folder in folders for each in sorted(Path(folder).glob("NotoSansSC-Regular.*"))):
        fontManager.addfont(path)
        return FontProperties(fname=path).get_name()
    return None


def _first_known() -> str | None:
    have = {font.name for font in fontManager.ttflist}
    return next((name for name in HAN_FONTS if name in have), None)


def _first_installed_since() -> str | None:
    """Matplotlib keeps a list of fonts for years: look for ours among the files that it has not read."""
    for path in findSystemFonts():
        if any(part in Path(path).stem.lower() for part in HAN_FILES):
            fontManager.addfont(path)
    return _first_known()


def translate(figure: Figure) -> None:
    """Put a figure's texts into the language in force, where they stand; in English they are only noted."""
    for text in figure.findobj(Text):
        shown = text.get_text()
        if any(letter.isalpha() for letter in shown):
            text.set_text(_sentence(shown))
    for axis in figure.findobj(Axis):
        _translate_ticks(axis)
    if language() != ENGLISH:
        for text in figure.findobj(Text):
            text.set_fontfamily(font_family())


def _sentence(shown: str) -> str:
    """A text that was broken into lines is looked up whole too."""
    if produced.holds(shown):
        return shown
    known = translated(shown)
    if known == shown and "\n" in shown:
        whole = translated(" ".join(shown.split()))
        return shown if whole == " ".join(shown.split()) else whole
    return known


def _translate_ticks(axis: Axis) -> None:
    """Words at ticks are given anew at each drawing, so it is the ticks that must change."""
    places = axis.get_majorticklocs()
    formatter = axis.get_major_formatter()
    formatter.set_locs(places)
    written = [str(formatter(place, at)) for at, place in enumerate(places)]  # some return numbers
    if any(letter.isalpha() for label in written for letter in label if "$" not in label):
        shown = [_sentence(label) for label in written]
        if shown != written:
            axis.set_ticks(places, shown)
