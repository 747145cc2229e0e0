"""The samples of a lesson made of a firm's tables and of files joined to them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from crmlab.analysis.files import Source, read_source
from crmlab.analysis.firm.base import Base, NotThere, day, some
from crmlab.analysis.firm.cards import ROWS, FirmCard, SampleCard, firm_card
from crmlab.analysis.firm.columns import COLUMNS
from crmlab.analysis.firm.joining import Joined, dates_of, join
from crmlab.analysis.firm.panels import PANELS
from crmlab.analysis.firm.rules import Rules, rules_from
from crmlab.analysis.firm.tables import FirmTables
from crmlab.analysis.matching import Map, SampleMap, columns_of
from crmlab.analysis.needs import Needs, Sample
from crmlab.errors import InputError, listing
from crmlab.words import words
from crmlab.words.saying import Said, said, spoken

KEYS = ("customer_id", "branch_id")


@dataclass(frozen=True)
class FromFirm:
    """A lesson's samples, made of a firm's tables.

    Attributes
    ----------
    tables : FirmTables
    sources : list of Source
        One a sample of which some column is there, with the sample's name.
    told : list of Said
        Of all samples: the tables, what was joined.
    told_of : dict of str to list of Said
        Of each sample: what was made, by which rules.
    lacking : dict of (str, str) to Said
        For each column that is not there, by sample, why it does not follow or where it would stand.
    rules : Rules
    fed : tuple of str
        Samples of which the tables tell something, whether or not they hold it.
    idle : dict of str to list of str
        Files of which no column was taken, with their columns.
    made : set of (str, str)
        Samples and columns that were made of the tables.
    """

    tables: FirmTables
    sources: list[Source]
    told: list[Said]
    told_of: Mapping[str, list[Said]]
    lacking: Mapping[tuple[str, str], Said]
    rules: Rules
    fed: tuple[str, ...] = ()
    idle: Mapping[str, list[str]] = field(default_factory=dict)
    made: set[tuple[str, str]] = field(default_factory=set)

    def notes(self, used: Collection[tuple[str, str]]) -> list[Said]:
        """What is to be said where these samples and columns are used."""
        told = [*self.told, *self.idle_files()]
        for sample, notes in self.told_of.items():
            made = {each["facts"].get("name") for each in notes} - {None}
            idle = made - {column for of, column in used if of == sample}
            if any(of == sample for of, _ in used):
                told += [each for each in notes if each not in told and each["facts"].get("name") not in idle]
        return told

    def idle_files(self) -> list[Said]:
        """What is to be said of files of which no column was taken."""
        return [
            said("firm.idle", file=file, columns=listing(map(repr, names), 12))
            for file, names in self.idle.items()
        ]

    def why_lacking(self, columns: Iterable[tuple[str, str]]) -> list[str]:
        """Why columns are not there, a sentence for all columns of a sample that have one reason."""
        reasons: dict[tuple[str, str], list[str]] = {}
        for sample, column in columns:
            reasons.setdefault((sample, spoken(self.lacking[sample, column])), []).append(column)
        return [
            words("firm.needs_row", column=", ".join(names), sample=sample, why=why)
            for (sample, why), names in reasons.items()
        ]


def from_firm(
    needs: Needs,
    firm: FirmTables,
    files: Sequence[Source] = (),
    said_by: Map | None = None,
    rules: Mapping[str, Any] | None = None,
    column: str | None = None,
) -> FromFirm:
    """The samples that a theory needs, as far as a firm's tables and joined files hold them.

    Parameters
    ----------
    needs : Needs
    firm : FirmTables
    files : sequence of Source
        To be joined by the id of the customer or branch.
    said_by : Map
        Which column of a file is which.
    rules : mapping, optional
        Dates and windows other than the usual ones.
    column : str, optional
        The column of the files with the ids.

    Raises
    ------
    InputError
        If a rule or a file cannot be used.
    """
    card, said_by = firm_card(needs.theory), said_by or Map()
    joined = [join(each, firm, column) for each in files]
    _check_apart(joined)
    made = _rules(firm, card, dict(said_by.rules) | dict(rules or {}))
    dates, gave = dates_of(joined, card.takes)
    base = Base(firm, made, dates)
    _tell_tables(base)
    sources, lacking, used, told_of = [], {}, set(gave), {}
    for name, sample in needs.samples.items():
        own = replace(base, told=[])
        source, why, took = _sample(sample, card, own, joined, said_by)
        told_of[name] = own.told
        sources += [source] if source is not None else []
        used |= took
        lacking |= {(name, each): reason for each, reason in why.items()}
    told = [*base.told, *(each for one in joined for each in one.told)]
    idle = {each.source.name: each.columns for each in joined if each.source.name not in used}
    fed = tuple(name for name, each in card.samples.items() if each.rows)
    tabled = {(each.sample, column) for each in sources for column in each.made}
    return FromFirm(firm, sources, told, told_of, lacking, made, fed, idle, tabled)


def _rules(firm: FirmTables, card: FirmCard, given: Mapping[str, Any]) -> Rules:
    made = rules_from(firm, card.rules, given)
    if card.start_after and "start" not in given:
        return replace(made, start=Rules.later(made.since, card.start_after))
    return made


def _tell_tables(base: Base) -> None:
    rules, firm = base.rules, base.firm
    base.tell("firm.span", name=firm.name, rows=len(firm.log), since=day(rules.since), last=base.last)
    late = (firm.log["date"] >= rules.until) | (firm.log["date"] < rules.since)
    if late.any():
        base.tell("firm.outside_span", rows=int(late.sum()))
    if firm.strangers:
        base.tell("firm.strangers", rows=len(firm.strangers), some=some(firm.strangers))
    if not firm.has("customers"):
        base.tell("firm.no_customers")


def _check_apart(joined: Sequence[Joined]) -> None:
    """Refuse two files of customers that hold a column of the same name."""
    seen: dict[tuple[str, str], str] = {}
    for each in joined:
        for column in each.columns:
            other = seen.setdefault((each.key, column), each.source.name)
            if other != each.source.name:
                raise InputError(
                    f"{other} and {each.source.name} both have a column {column!r}; rename or remove one"
                )


# A sample -----------------------------------------------------------------------------------------------


def _sample(
    sample: Sample, card: FirmCard, base: Base, joined: Sequence[Joined], said_by: Map
) -> tuple[Source | None, dict[str, Said], set[str]]:
    """A sample's source, why columns of it are not there, and the joined files that it took."""
    made_by = card.samples.get(sample.name, SampleCard())
    frame, why = _made(sample, made_by, base)
    source, took = _with_files(sample, made_by, frame, base, joined, said_by)
    there = columns_of(sample, source, said_by.of(sample.name)) if source is not None else {}
    lacking = {
        name: why.get(name) or _elsewhere(sample, card, name) for name in sample.columns if name not in there
    }
    return (source if there else None), lacking, took


def _elsewhere(sample: Sample, card: FirmCard, name: str) -> Said:
    place = (
        "lot" if name in sample.by_lot else "survey" if name in sample.told else card.place(sample.name, name)
    )
    return said("firm.elsewhere", place=said(f"firm.where_{place}"))


def _made(sample: Sample, card: SampleCard, base: Base) -> tuple[pd.DataFrame | None, dict[str, Said]]:
    """The columns that follow from the tables, and why others do not."""
    if not card.rows:
        return None, {}
    try:
        if card.rows != ROWS:
            return PANELS[card.rows](base), {}
        first = base.rules.window(card.known_by)[0] if card.known_by else base.rules.until
        who = base.customers(first)
        who = base.buyers(who, card.bought_in) if card.bought_in else who
    except NotThere as error:
        return None, dict.fromkeys(sample.columns, error.why)
    columns, why = {}, {}
    for name in sample.columns:
        if name not in card.columns:
            continue
        options = dict(card.columns[name])
        try:
            columns[name] = COLUMNS[options.pop("function")](base, who, name, **options)
        except NotThere as error:
            why[name] = error.why
    frame = pd.DataFrame(columns, index=who)
    frame = _every_quarter(base, frame) if "buyers" in base.rules.values else frame
    return _seen(base, frame), why


def _every_quarter(base: Base, frame: pd.DataFrame) -> pd.DataFrame:
    """By the rule, only customers who bought in every quarter."""
    spend = frame[[each for each in frame if each.startswith("spend_q")]]
    if base.rules.values["buyers"] == "all" or spend.empty:
        return frame
    kept = (spend > 0).all(axis=1)
    if not kept.all():
        base.tell("firm.not_every_quarter", rows=int((~kept).sum()), some=some(frame.index[~kept]))
    return frame[kept]


def _seen(base: Base, frame: pd.DataFrame) -> pd.DataFrame:
    """Without customers who had left when the records began: no record can hold such customers whole."""
    if not {"tenure", "tenure_at_entry"} <= set(frame):
        return frame
    gone = (frame["tenure"] <= frame["tenure_at_entry"]) & (frame["tenure_at_entry"] > 0)
    if gone.any():
        base.tell("firm.left_before", rows=int(gone.sum()), some=some(frame.index[gone]))
    return frame[~gone]


def _with_files(
    sample: Sample,
    card: SampleCard,
    frame: pd.DataFrame | None,
    base: Base,
    joined: Sequence[Joined],
    said_by: Map,
) -> tuple[Source | None, set[str]]:
    """A sample's columns with those of the files that it needs, in the rows that all of them have."""
    held = None if frame is None else _as_rows(f"{sample.name} ({base.firm.name})", frame)
    if card.rows in PANELS:
        return (None if held is None else held.source(sample.name)), set()
    took = []
    for each in joined:
        if each.key != "customer_id" or not _wanted(sample, each, said_by):
            continue
        took.append(each.source.name)
        own = each.source.frame[each.columns]
        if held is None:
            held = _Rows(each.source.name, own, each.ids)
        else:
            held = held.joined(own.set_axis(each.ids.to_numpy()), each.source.name, base)
    if held is None:
        return None, set()
    if took and frame is not None:
        facts = {"rows": len(held.frame), "of": len(frame), "files": listing(took)}
        base.tell("firm.kept", sample=sample.name, **facts)
    return held.source(sample.name), set(took)


def _wanted(sample: Sample, each: Joined, said_by: Map) -> bool:
    """Whether a file has a column that a sample needs, by name or by the map."""
    uses = said_by.of(sample.name).columns
    mapped = {column for use in uses.values() for column in (use.column, *use.mean)}
    by_name = columns_of(sample, Source(each.source.name, each.source.frame[each.columns]), SampleMap())
    return bool(by_name or mapped & set(each.columns))


@dataclass(frozen=True)
class _Rows:
    """Rows of a sample as text, with the customer that each is of."""

    name: str
    frame: pd.DataFrame
    ids: pd.Series
    made: frozenset[str] = frozenset()

    def joined(self, other: pd.DataFrame, name: str, base: Base) -> "_Rows":
        """With a file's columns, in the rows of customers that it has; a column of both is the file's."""
        kept = self.ids.isin(other.index).to_numpy()
        both = [each for each in self.frame if each in other]
        if both:
            base.tell("firm.given", columns=listing(both), file=name)
        extra = other.loc[self.ids[kept]].set_axis(self.frame.index[kept])
        whole = pd.concat([self.frame[kept].drop(columns=both), extra], axis=1)
        return _Rows(f"{self.name}, {name}", whole, self.ids[kept], self.made - set(both))

    def source(self, sample: str) -> Source:
        """As a source that is of this sample."""
        return Source(self.name, self.frame, sample, made=self.made)


def _as_rows(name: str, frame: pd.DataFrame) -> _Rows:
    """A frame as text; it keeps its index, by which messages name rows."""
    keys = [each for each in KEYS if each in frame]
    texts = read_source(frame.drop(columns=keys), name=name, empty=True).frame.set_axis(frame.index)
    ids = frame["customer_id"] if "customer_id" in frame else pd.Series(frame.index, frame.index)
    return _Rows(name, texts, ids, frozenset(texts.columns))
