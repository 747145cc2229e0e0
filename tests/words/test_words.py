"""Words in another language: what catalogues hold is shown, what they lack stays English, nothing is lost."""

import json
import re

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

from crmlab import places
from crmlab.book import translation
from crmlab.errors import InputError
from crmlab.notebook.source import Source, read
from crmlab.notebook.speaking import in_language, speaking
from crmlab.notebook.tables import in_language as table_in_language
from crmlab.plots.language import translate
from crmlab.theories import design_of
from crmlab.words import catalogues, entries, prose, say, translated, words
from crmlab.words.catalogues import catalogue_of, pseudo


@pytest.fixture
def german(tmp_path, monkeypatch):
    """An edition of three entries, in a folder of its own."""
    folder = tmp_path / "locales" / "de"
    folder.mkdir(parents=True)
    (folder / "words.po").write_text(
        'msgctxt "design.estimand"\nmsgid "estimand (truth)"\nmsgstr "Schätzziel (Wahrheit)"\n\n'
        '#, fuzzy\nmsgctxt "labels.bias"\nmsgid "bias"\nmsgstr "Neigung"\n',
        encoding="utf-8",
    )
    (folder / "texts.po").write_text(
        'msgid "found in {share:.0%} of cohorts"\nmsgstr "in {share:.0%} der Kohorten gefunden"\n\n'
        'msgid "customers"\nmsgstr "Kunden"\n\nmsgid "estimator"\nmsgstr "Schätzer"\n\n'
        'msgid "naive"\nmsgstr "naiv"\n',
        encoding="utf-8",
    )
    (folder / "20_trust.po").write_text(
        'msgctxt "title"\nmsgid "# Trust"\nmsgstr "# Vertrauen"\n', encoding="utf-8"
    )
    monkeypatch.setattr(catalogues, "LOCALES", tmp_path / "locales")
    monkeypatch.setattr(translation, "LOCALES", tmp_path / "locales")
    monkeypatch.setattr(catalogues.produced, "_texts", {})
    catalogues.catalogue_of.cache_clear()
    with speaking("de"):
        yield folder
    catalogues.catalogue_of.cache_clear()


def test_words_are_those_of_the_language_and_english_where_it_has_none(german):
    assert words("design.estimand") == "Schätzziel (Wahrheit)"
    assert words("labels.rmse") == entries()["labels.rmse"]
    assert words("labels.bias") == "bias", "a fuzzy entry counts as untranslated"


def test_a_sentence_with_numbers_is_filled_in_after_it_is_translated(german):
    assert say("found in {share:.0%} of cohorts", share=0.052) == "in 5% der Kohorten gefunden"
    assert translated(say("found in {share:.0%} of cohorts", share=0.052)) == "in 5% der Kohorten gefunden"


def test_what_was_english_before_is_translated_all_the_same(german):
    with speaking("en"):
        assert translated("naive") == say("naive") == "naive"
    assert translated("naive") == "naiv"


def test_a_lessons_prose_is_looked_up_by_its_cell(german):
    assert prose("20_trust", "title", "# Trust") == "# Vertrauen"
    assert prose("20_trust", "other", "# Trust") == "# Trust"


def test_a_picture_speaks_the_language_at_labels_ticks_and_legends(german):
    figure, axes = plt.subplots()
    axes.plot([0, 1], [0, 1], label="naive")
    axes.set(xlabel="customers", ylabel="unknown to the catalogue")
    axes.set_xticks([0, 1], ["naive", "other"])
    axes.legend()
    translate(figure)
    shown = [text.get_text() for text in figure.findobj(match=lambda each: hasattr(each, "get_text"))]
    figure.canvas.draw()
    ticks = [label.get_text() for label in axes.get_xticklabels()]
    plt.close(figure)
    assert {"Kunden", "naiv", "unknown to the catalogue"} <= set(shown) and ticks == ["naiv", "other"]


def test_categories_that_seaborn_puts_at_an_axis_are_translated(german):
    import seaborn as sns

    figure, axes = plt.subplots()
    sns.stripplot(pd.DataFrame({"estimator": ["naive", "other"], "x": [1, 2]}), x="estimator", y="x", ax=axes)
    translate(figure)
    figure.canvas.draw()
    shown = [label.get_text() for label in axes.get_xticklabels()]
    label = axes.get_xlabel()
    plt.close(figure)
    assert shown == ["naiv", "other"] and label == "Schätzer"


def test_a_table_is_shown_in_the_language_and_stays_as_it_is(german):
    table = pd.DataFrame({"estimator": ["naive", "x"], "customers": [1, 2]}).set_index("estimator")
    shown = table_in_language(table)
    assert list(shown.columns) == ["Kunden"] and list(shown.index) == ["naiv", "x"]
    assert shown.index.name == "Schätzer" and shown["Kunden"].dtype == table["customers"].dtype
    assert list(table.columns) == ["customers"] and list(table.index) == ["naive", "x"]


def test_a_language_without_catalogues_is_refused_with_those_there_are(german):
    with pytest.raises(InputError, match="no catalogues for language 'fr'; there are en, de"), speaking("fr"):
        pass


# The pseudo-language --------------------------------------------------------------------------------------


@given(st.text(alphabet="abc {}`$*xyz", max_size=40))
def test_pseudo_keeps_what_the_code_fills_in(text):
    shown = pseudo(text)
    for field in catalogues._FIELD.findall(text):
        assert field in shown


def test_pseudo_marks_each_text_once():
    assert pseudo("found in {share:.0%}") == "⟦fõüñd îñ {share:.0%}⟧"
    assert pseudo("## Title") == "## ⟦Tîtlé⟧" and pseudo("5%") == "5%"


# Catalogues brought up to date -----------------------------------------------------------------------------


def lesson(cells, **metadata):
    from crmlab.places import Lesson

    made = [{"id": name, "cell_type": "markdown", "source": text} for name, text in cells.items()]
    return Source(Lesson("20", "trust", None), made, metadata)


def catalogue(folder, domain):
    with (folder / f"{domain}.po").open("rb") as file:
        return {(each.context, each.id): each for each in read_po(file) if each.id}


@pytest.fixture
def still(monkeypatch):
    """Lessons show nothing when they run."""
    monkeypatch.setattr(translation, "of_run", lambda source: iter(()))


def named(monkeypatch, source):
    monkeypatch.setattr(type(source), "name", property(lambda self: self.lesson.stem))
    return source


def test_what_was_translated_stays_and_what_changed_is_marked(german, still, monkeypatch):
    source = named(monkeypatch, lesson({"title": "# Trust", "claim": "Customers trust."}, title="Trust"))
    done = {each.domain: each for each in translation.update("de", [source])}
    assert done["20_trust"].messages == 3 and done["20_trust"].translated == 1
    assert catalogue(german, "20_trust")["title", "# Trust"].string == "# Vertrauen"
    changed = named(monkeypatch, lesson({"title": "# Trust, and why", "claim": "Customers trust."}))
    translation.update("de", [changed])
    entry = catalogue(german, "20_trust")["title", "# Trust, and why"]
    assert entry.fuzzy and entry.string == "# Vertrauen"
    catalogues.catalogue_of.cache_clear()
    assert prose("20_trust", "title", "# Trust, and why") == "# Trust, and why"


def test_texts_of_other_lessons_are_kept(german, still, monkeypatch):
    translation.update("de", [named(monkeypatch, lesson({"title": "# Trust"}))])
    assert catalogue(german, "texts")[None, "customers"].string == "Kunden"


def test_the_same_sources_write_the_same_catalogues(german, still, monkeypatch):
    source = named(monkeypatch, lesson({"title": "# Trust"}))
    translation.update("de", [source])
    first = {path.name: path.read_bytes() for path in german.glob("*.po")}
    translation.update("de", [source])
    assert {path.name: path.read_bytes() for path in german.glob("*.po")} == first


def test_a_language_that_nobody_speaks_is_refused():
    with pytest.raises(InputError, match="unknown language 'xx_YY'"):
        translation.update("xx_YY", [])


# What stands in the house ----------------------------------------------------------------------------------


def test_every_translation_keeps_the_fields_of_its_english():
    import re

    fields = re.compile(r"\{(\w*)(?:[:!][^{}]*)?\}")
    for language in catalogues.languages():
        for domain, found in catalogues._read(language).items():
            for (context, text), string in found.items():
                if domain in ("words", "texts"):
                    wrong = (domain, context, text, string)
                    assert sorted(fields.findall(text)) == sorted(fields.findall(string)), wrong


def test_lesson_00_is_translated_whole():
    source = read("00")
    with speaking("zh_CN"):
        shown = in_language(source)
        for before, after in zip(source.cells, shown.cells, strict=True):
            if before["cell_type"] == "markdown":
                assert after["source"] != before["source"], before["id"]
        assert shown.metadata["claim"] != source.metadata["claim"]


def test_nothing_that_lesson_00_shows_escapes_extraction(tmp_path, monkeypatch):
    """In the pseudo-language with other parameters, what is bare was put together where nobody translates."""
    from crmlab.notebook.running import run

    noted = tmp_path / "texts.jsonl"
    monkeypatch.setenv("CRMLAB_NOTE_TEXTS", str(noted))
    with speaking("qps"):
        done = run("00", {"seed": 3, "n_customers": 120, "sims": 60}, warm=False)
    assert done.ok, done.error
    rows = [json.loads(line) for line in noted.read_text(encoding="utf-8").splitlines()]
    assert len(rows) > 60
    assert [row["text"] for row in rows if not row["known"]] == []
    captions = [
        "".join(output["data"]["text/html"])
        for cell in done.notebook.cells
        for output in cell.get("outputs", [])
        if output.get("metadata", {}).get("crmlab", {}).get("caption")
    ]
    assert captions and all("⟦" in each for each in captions)


def test_lesson_00_in_chinese_is_drawn_with_letters_that_its_font_has(tmp_path, recwarn):
    """Built as ``crmlab build --language zh_CN --only 00`` does: its words, and its warnings."""
    from crmlab.book import build
    from crmlab.plots.language import _han_font

    try:
        with speaking("zh_CN"):
            _han_font()
    except InputError as error:
        pytest.skip(str(error))
    (run,) = build(tmp_path, only=["00"], language="zh_CN", progress=False)
    assert run.ok, run.error
    said = [
        "".join(output.get("text", ""))
        for cell in run.notebook.cells
        for output in cell.get("outputs", [])
        if output.get("name") == "stderr"
    ]
    assert not any("missing from font" in each for each in said)
    page = (tmp_path / "00_start_here.html").read_text(encoding="utf-8")
    assert '<html lang="zh-CN"' in page and "从这里开始" in page and "估计目标" in page
    assert "What you will be able to do" not in page


@pytest.mark.parametrize("section", ["analyse", "checks", "exports", "firm"])
def test_reports_on_a_users_own_tables_are_wholly_chinese(section):
    known = catalogue_of("zh_CN")
    keys = {key: text for key, text in entries().items() if key.startswith(f"{section}.")}
    same = {
        key
        for key, text in keys.items()
        if known.word(key, text) == text and re.search("[a-z]{4}", re.sub("{.*?}", "", text))
    }
    assert not same


def test_theories_and_cards_of_users_own_tables_have_chinese_texts():
    known = catalogue_of("zh_CN")
    texts = {each.text for each in translation.of_cards()}
    for lesson in places.lessons():
        if lesson.number == "19":  # no user's tables go under it
            continue
        design = design_of(lesson.name)
        texts |= {design.title, design.claim}
        texts |= {text for each in design.hypotheses for text in (each.claim, each.unit, *each.estimators)}
    assert not {text for text in texts if text and not known.knows(text)}
