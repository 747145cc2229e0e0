"""The ledger: every claim of the five sources, how it is tested, what repeated simulation says of the test.

A claim that no market of ours can deny is listed with the reason. The numbers of a lesson's hypotheses come
from its design, in its four worlds, and lie in ``datasets/ledger``, one file a lesson, with a digest of the
code that they follow from: what has not changed is not computed again, and a build that was interrupted goes
on where it stopped.
"""

import json
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from crmlab import files, places
from crmlab.claims.numbers import NUMBERS
from crmlab.claims.storing import code_digest, folder, numbers_are_current, store_numbers, stored_numbers
from crmlab.errors import InputError
from crmlab.theories import design_of
from crmlab.words import words

PRESETS = ("null", "literature", "claim", "trap")
SIMS = 1000
SEED = 1
MEASURES = ("estimand", "rejection_rate", "rejection_rate_mcse", "coverage", "coverage_mcse", "type_m")
COLUMNS = [
    "source", "quote", "lesson", "meaning", "status", "hypothesis", "tested", "estimator",
    "size_null", "size_null_mcse", "size_trap", "size_trap_mcse",
    "power", "power_mcse", "customers", "type_m",
    "naive", "naive_confirms", "naive_confirms_mcse", "naive_in", "holds_in", "holds_in_mcse",
    "answer", "evidence", "reason",
]  # fmt: skip


@dataclass(frozen=True)
class Claim:
    """A claim of the sources.

    Attributes
    ----------
    quote, source : str
        Verbatim, and in which article: s0 to s4.
    lesson : str
        Where it is taught: ``"09"``; empty for an illustration.
    meaning : str
        What it would mean to be true, in plain words.
    tests : tuple of str
        Hypotheses that test it, as ``"09 H2a"``.
    numbers : tuple of str
        Names in `NUMBERS` that audit it.
    untestable : str
        Why no simulation of ours could reject it; empty if one can.
    evidence : str
        What the literature found, with effect, N and source, or "none found".
    answer : str
        What came out, for who knows no statistics: one or two sentences.
    """

    quote: str
    source: str
    lesson: str = ""
    meaning: str = ""
    tests: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    untestable: str = ""
    evidence: str = ""
    answer: str = ""

    @property
    def stands(self) -> bool:
        """Whether its lesson is there."""
        return not self.lesson or self.lesson in lessons_that_stand()

    @property
    def status(self) -> str:
        """One of ``tested``, ``audited``, ``not testable``, ``lesson to come``."""
        if self.untestable:
            return "not testable"
        if self.tests and self.stands:
            return "tested"
        return "audited" if self.numbers else "lesson to come"


def claims() -> list[Claim]:
    """All claims, in the order of the lessons.

    Raises
    ------
    InputError
        If the file has an entry with an unknown field.
    """
    path = Path(__file__).with_name("claims.toml")
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["claim"]
    return [_read(entry) for entry in entries]


def _read(entry: dict) -> Claim:
    lists = {name: tuple(entry.get(name, ())) for name in ("tests", "numbers")}
    try:
        return Claim(**{**entry, **lists})
    except TypeError as error:
        raise InputError(f"claims.toml, claim {entry.get('quote')!r}: {error}") from None


def lessons_that_stand() -> frozenset[str]:
    """Numbers of the lessons that are there and have a design."""
    return frozenset(each.number for each in places.lessons() if find_spec(f"crmlab.theories.{each.name}"))


def written() -> Path:
    """The table, for spreadsheets and other programs."""
    return folder() / "ledger.csv"


def dependencies(lesson: str) -> str:
    """Digest of the code that a lesson's numbers follow from."""
    return code_digest([f"crmlab.theories.{places.lesson(lesson).name}", "crmlab.design"])


def stored(lesson: str) -> dict | None:
    """A lesson's numbers as they lie there, or None."""
    path = folder() / f"{lesson}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def is_current(lesson: str, sims: int = SIMS, seed: int = SEED) -> bool:
    """Whether a lesson's numbers are those of its code as it stands."""
    found = stored(lesson)
    wanted = {"digest": dependencies(lesson), "sims": sims, "seed": seed}
    return found is not None and {name: found[name] for name in wanted} == wanted


def measure(
    lesson: str, hypotheses: Iterable[str], sims: int = SIMS, seed: int = SEED, jobs: int = -1
) -> dict:
    """A lesson's numbers, computed: every estimator of these hypotheses in the four worlds.

    Returns
    -------
    dict
        ``digest``, ``sims``, ``seed``, ``customers`` (of the preset literature, None if its market counts
        something else) and ``rows``, each with preset, hypothesis, estimator and `MEASURES`.
    """
    design = design_of(lesson).only(*hypotheses)
    rows = []
    for preset in PRESETS:
        found = design.preset(preset).diagnose(sims=sims, seed=seed, jobs=jobs).full
        kept = found[["hypothesis", "estimator", *MEASURES]].assign(preset=preset)
        rows += json.loads(kept.to_json(orient="records", double_precision=6))
    customers = getattr(design.preset("literature").parameters, "n_customers", None)
    about = {"digest": dependencies(lesson), "sims": sims, "seed": seed, "customers": customers}
    return {**about, "rows": rows}


def build(
    only: Sequence[str] | None = None,
    *,
    sims: int = SIMS,
    seed: int = SEED,
    jobs: int = -1,
    fresh: bool = False,
    progress: bool = True,
) -> list[str]:
    """Compute what is not current, and write the table ``datasets/ledger/ledger.csv``.

    Parameters
    ----------
    only : sequence of str, optional
        Lessons, as ``"09"``; all that stand and test a claim if not given.
    sims, seed : int
        Simulations a world.
    jobs : int
    fresh : bool
        Compute all again.
    progress : bool

    Returns
    -------
    list of str
        The lessons that were computed.
    """
    wanted = hypotheses_by_lesson()
    lessons = sorted(wanted) if only is None else [places.lesson(each).number for each in only]
    idle = [each for each in lessons if each not in wanted]
    if idle:
        raise InputError(f"no claim is tested by a hypothesis of lesson {', '.join(idle)}")
    todo = [each for each in lessons if fresh or not is_current(each, sims, seed)]
    for lesson in tqdm(todo, desc=words("claims.building"), disable=not (progress and todo)):
        found = measure(lesson, wanted[lesson], sims, seed, jobs)
        files.write_text(folder() / f"{lesson}.json", json.dumps(found, indent=1) + "\n")
    if fresh or not numbers_are_current():
        store_numbers()
    files.write_text(written(), table().to_csv(index=False))
    return todo


def hypotheses_by_lesson() -> dict[str, list[str]]:
    """The hypotheses that test a claim, by lesson, of the lessons that stand."""
    found: dict[str, dict[str, None]] = {}
    for claim in claims():
        for lesson, hypothesis in map(str.split, claim.tests):
            if lesson in lessons_that_stand():
                found.setdefault(lesson, {})[hypothesis] = None
    return {lesson: list(names) for lesson, names in found.items()}


def table() -> pd.DataFrame:
    """The ledger: a row a claim and hypothesis (or audited number), from what is stored.

    Columns
    -------
    ``size_null``, ``size_trap``: how often the headline supports the claim where it is false. ``power``: how
    often where it is true, under ``literature``. ``type_m``: how many times too large significant estimates
    are there. ``naive_confirms``: how often the naive analysis supports the claim in the world (``naive_in``)
    where it is false and most often does. ``holds_in``: the share of markets in which a number holds. Each
    with its Monte-Carlo error (``_mcse``).
    """
    rows = [row for claim in claims() for row in _rows_of(claim)]
    return pd.DataFrame(rows, columns=COLUMNS)


def _rows_of(claim: Claim) -> list[dict]:
    about = {
        "source": claim.source,
        "quote": claim.quote,
        "lesson": claim.lesson,
        "meaning": claim.meaning,
        "status": claim.status,
        "answer": claim.answer,
        "evidence": claim.evidence,
        "reason": claim.untestable,
    }
    tested = [
        about | _tested(*test.split()) for test in claim.tests if test.split()[0] in lessons_that_stand()
    ]
    audited = [about | _audited(name) for name in claim.numbers]
    return tested + audited or [about]


def _tested(lesson: str, name: str) -> dict:
    hypothesis = design_of(lesson).hypothesis(name)
    row = {"hypothesis": f"{lesson} {name}", "tested": hypothesis.claim, "estimator": hypothesis.headline}
    found = stored(lesson)
    if found is None:
        return row
    numbers = pd.DataFrame(found["rows"])
    numbers = numbers[numbers["hypothesis"] == name].assign(
        false=lambda each: [not hypothesis.holds(value) for value in each["estimand"]]
    )
    headline = numbers[numbers["estimator"] == hypothesis.headline].set_index("preset")
    for preset in ("null", "trap"):
        if preset in headline.index and headline.loc[preset, "false"]:
            row |= _share(headline.loc[preset], f"size_{preset}")
    if not headline.loc["literature", "false"]:
        row |= _share(headline.loc["literature"], "power") | {"type_m": headline.loc["literature", "type_m"]}
    return row | {"customers": found["customers"]} | _naive(numbers, hypothesis.headline)


def _share(numbers: pd.Series, name: str) -> dict:
    return {name: numbers["rejection_rate"], f"{name}_mcse": numbers["rejection_rate_mcse"]}


def _naive(numbers: pd.DataFrame, headline: str) -> dict:
    """The rival that most often supports the claim where it is false."""
    fooled = numbers[(numbers["estimator"] != headline) & numbers["false"]]
    if fooled.empty:
        return {}
    worst = fooled.loc[fooled["rejection_rate"].idxmax()]
    return _share(worst, "naive_confirms") | {
        "naive": worst["estimator"],
        "naive_in": f"preset {worst['preset']}",
    }


def _audited(name: str) -> dict:
    row = {"hypothesis": f"audit {name}", "tested": NUMBERS[name].reading}
    found = stored_numbers().get(name)
    return row if found is None else row | {"holds_in": found["share"], "holds_in_mcse": found["share_mcse"]}


def problems(entries: Sequence[Claim] | None = None) -> list[str]:
    """What is wrong with the list: a sentence a claim.

    A claim has a meaning; a hypothesis or number that exists, or a reason why not, and not both; only one
    whose lesson is still to come may lack all three.
    """
    found = []
    for claim in claims() if entries is None else entries:
        found += [f"{claim.quote}: {problem}" for problem in _problems_of(claim)]
    return found


def _problems_of(claim: Claim) -> Iterable[str]:
    testable = bool(claim.tests or claim.numbers)
    if claim.stands and not testable and not claim.untestable:
        yield "neither a hypothesis nor a number nor a reason"
    if claim.stands and testable and not claim.answer:
        yield "no answer for who knows no statistics"
    if testable and claim.untestable:
        yield "a test and a reason why there is none"
    if claim.stands and not claim.meaning:
        yield "no meaning in plain words"
    if claim.stands and testable and not claim.evidence:
        yield "no word on the literature's evidence; write 'none found' if none was"
    for test in claim.tests:
        lesson, _, name = test.partition(" ")
        if lesson in lessons_that_stand() and name not in {
            each.name for each in design_of(lesson).hypotheses
        }:
            yield f"lesson {lesson} has no hypothesis {name!r}"
    for name in claim.numbers:
        if name not in NUMBERS:
            yield f"there is no number {name!r}"
