"""An edition in another language: what is to be translated, and catalogues brought up to date with it.

Words of the code come from ``en.toml`` and the terms, a lesson's prose from its Markdown cells, and the texts
of pictures, tables and widgets from the designs and from running the lesson: what it shows is noted.
"""

import ast
import importlib
import importlib.util
import io
import os
import re
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from crmlab import files
from crmlab.analysis import needs
from crmlab.data.exports import cards
from crmlab.errors import InputError
from crmlab.notebook.source import Source
from crmlab.notebook.speaking import TOLD
from crmlab.words import FOLDER, entries
from crmlab.words.catalogues import LOCALES, TEXTS, WORDS, noted


@dataclass(frozen=True)
class Message:
    """Something to translate: its place (a key, a cell's id or nothing) and its English."""

    context: str
    text: str


@dataclass(frozen=True)
class Progress:
    """How far a catalogue is: messages, of which translated, and of which the English has changed since."""

    domain: str
    messages: int
    translated: int
    fuzzy: int


def of_words() -> Iterator[Message]:
    """The words of the code and the terms of statistics."""
    for key, text in entries().items():
        yield Message(key, text)
    for name, term in tomllib.loads((FOLDER / "terms" / "en.toml").read_text(encoding="utf-8")).items():
        yield Message(f"term.{name}.label", term["label"])
        yield Message(f"term.{name}.definition", term["definition"])


def of_prose(source: Source) -> Iterator[Message]:
    """A lesson's Markdown cells, by id, and what its metadata say."""
    for name in TOLD:
        if source.metadata.get(name):
            yield Message(f"metadata.{name}", source.metadata[name])
    for cell in source.cells:
        if cell["cell_type"] == "markdown":
            yield Message(cell["id"], cell["source"])


def of_design(source: Source) -> Iterator[Message]:
    """What a theory's design calls things."""
    name = f"crmlab.theories.{source.metadata.get('theory', '')}"
    if not source.metadata.get("theory") or importlib.util.find_spec(name) is None:
        return
    design = importlib.import_module(name).design
    texts = [design.title, design.claim]
    for each in design.hypotheses:
        texts += [each.claim, each.unit, *each.estimators]
    for construct in design.constructs.values():
        texts += [construct.label, construct.definition]
    for field in type(design.parameters).__dataclass_fields__.values():
        texts += [field.metadata.get("unit", ""), field.metadata.get("source", "")]
    yield from (Message("", text) for text in texts if text)


def of_sayings(source: Source) -> Iterator[Message]:
    """Literals that a lesson's code gives to `say`, also where a run with the defaults does not come by."""
    for cell in source.cells:
        calls = ast.walk(ast.parse(cell["source"])) if cell["cell_type"] == "code" else ()
        for call in calls:
            named = isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "say"
            if named and call.args and isinstance(call.args[0], ast.Constant):
                yield Message("", str(call.args[0].value))


def of_cards() -> Iterator[Message]:
    """What the cards say of users' own tables, and of the systems that exports come from."""
    for path in sorted(needs.CARDS.glob("*.toml")):
        card = tomllib.loads(path.read_text(encoding="utf-8"))
        spoken = [card.get(name, "") for name in ("about", "confounder", "why_not")]
        spoken += [each.get("confounder", "") for each in card.values() if isinstance(each, dict)]
        yield from (Message("", text) for text in spoken if text)
    for system in cards().values():
        for text in (*system.purchases.values(), *system.not_verified, system.scores["how"]):
            yield Message("", text)


def of_run(source: Source) -> Iterator[Message]:
    """What a lesson shows when it runs; of a text with numbers in it, the literal that `say` was given."""
    from crmlab.notebook.running import run

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "texts.jsonl"
        os.environ["CRMLAB_NOTE_TEXTS"] = str(path)
        try:
            done = run(source.lesson, warm=False)
        finally:
            del os.environ["CRMLAB_NOTE_TEXTS"]
        if not done.ok:
            raise InputError(f"{source.name} does not run: {done.error}")
        yield from (Message("", text) for text, _ in noted(path))


def update(language: str, sources: Iterable[Source]) -> list[Progress]:
    """Bring a language's catalogues up to date; what was translated stays, what changed is marked fuzzy.

    Parameters
    ----------
    language : str
        As ``zh_CN``.
    sources : iterable of Source
        Lessons whose prose and texts are taken in.

    Raises
    ------
    InputError
        If Babel does not know the language, or a lesson does not run.
    """
    try:
        Locale.parse(language)
    except (UnknownLocaleError, ValueError):
        raise InputError(f"unknown language {language!r}; give one as zh_CN or de") from None
    folder, sources = LOCALES / language, list(sources)
    shown = [
        message
        for source in sources
        for message in (*of_design(source), *of_sayings(source), *of_run(source))
    ]
    shown += of_cards()
    wanted = {WORDS: list(of_words())} | {source.name: list(of_prose(source)) for source in sources}
    done = [_merge(folder / f"{domain}.po", language, messages) for domain, messages in wanted.items()]
    return [*done, _merge(folder / f"{TEXTS}.po", language, shown, keep=True)]


def _merge(path: Path, language: str, messages: Iterable[Message], keep: bool = False) -> Progress:
    """Write the catalogue anew with these messages; with `keep`, those of other lessons stay."""
    template = _catalog(language)
    for message in dict.fromkeys(messages):
        template.add(message.text, context=message.context or None)
    merged = _catalog(language)
    if path.is_file():
        with path.open("rb") as file:
            merged = read_po(file, locale=language)
    if keep:
        for each in merged:
            if each.id and each.string:
                template.add(each.id, context=each.context)
    before = {each.context: each.string for each in merged if each.id and each.context}
    merged.update(template, no_fuzzy_matching=False)
    merged.fuzzy = False
    merged.obsolete.clear()
    _same_place(merged, before)
    written = io.BytesIO()
    write_po(written, merged, width=0, sort_output=False, omit_header=False, ignore_obsolete=True)
    files.write_text(path, _without_dates(written.getvalue().decode("utf-8")))
    found = [each for each in merged if each.id]
    translated = sum(bool(each.string) and not each.fuzzy for each in found)
    return Progress(path.stem, len(found), translated, sum(each.fuzzy for each in found))


def _catalog(language: str) -> Catalog:
    about = f"# {Locale.parse(language).english_name} edition of crmlab."
    return Catalog(locale=language, fuzzy=False, project="crmlab", header_comment=about)


def _same_place(merged: Catalog, before: dict[str, str]) -> None:
    """A key whose English changed keeps its translation, marked fuzzy; another key's is not taken for it."""
    for each in merged:
        if each.id and each.fuzzy and (not each.context or before.get(each.context) != each.string):
            each.string = ""
            each.flags.discard("fuzzy")


def _without_dates(text: str) -> str:
    """Dates of creation and revision say nothing and differ each time."""
    return re.sub(
        r'^"(POT-Creation-Date|PO-Revision-Date|Generated-By|Last-Translator|Report-Msgid-Bugs-To'
        r'|Language-Team|Project-Id-Version): .*"\n',
        "",
        text,
        flags=re.MULTILINE,
    )
