"""A font with Chinese letters: from the extra, by path, or a message that says how to get one."""

import importlib.util
import warnings

import matplotlib.pyplot as plt
import pytest
from matplotlib.font_manager import fontManager

from crmlab.errors import InputError
from crmlab.notebook.speaking import speaking
from crmlab.plots import language, subplots

PACKAGED = importlib.util.find_spec(language.HAN_PACKAGE) is not None


@pytest.fixture
def no_system_fonts(monkeypatch):
    """A machine that has the fonts of matplotlib and no others."""
    kept = [font for font in fontManager.ttflist if font.name.startswith(language.LATIN)]
    monkeypatch.setattr(fontManager, "ttflist", kept)
    monkeypatch.setattr(language, "findSystemFonts", list)
    monkeypatch.delenv("CRMLAB_FONT", raising=False)
    language._han_font.cache_clear()
    fontManager._findfont_cached.cache_clear()
    yield
    language._han_font.cache_clear()
    fontManager._findfont_cached.cache_clear()
    plt.close("all")


@pytest.mark.skipif(not PACKAGED, reason='no package with a font: pip install "crmlab[zh]"')
def test_without_system_fonts_the_extra_s_font_draws_chinese(no_system_fonts):
    with speaking("zh_CN"), warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib warns of each letter that a font lacks
        assert language.font_family() == ["DejaVu Sans", "Noto Sans SC"]
        figure, axes = subplots()
        axes.set(title="客户满意度并不一定会导致重复购买", xlabel="功效 80%")
        figure.canvas.draw()


def test_without_any_font_the_message_says_how_to_get_one(no_system_fonts, monkeypatch):
    monkeypatch.setattr(language, "HAN_PACKAGE", "no_such_package_of_fonts")
    with speaking("zh_CN"), pytest.raises(InputError, match=r'pip install "crmlab\[zh\]"'):
        language.font_family()
    assert language.font_family() == ["DejaVu Sans"], "English needs no other"


@pytest.mark.parametrize("given", ["nowhere.otf", "."])
def test_a_font_that_is_given_and_not_there_is_named(no_system_fonts, monkeypatch, given):
    monkeypatch.setenv("CRMLAB_FONT", given)
    with speaking("zh_CN"), pytest.raises(InputError, match="CRMLAB_FONT"):
        language.font_family()
