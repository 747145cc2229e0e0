"""An analysis, and what theories need, as text for a terminal."""

import textwrap

from crmlab import places
from crmlab.analysis.analysing import OwnAnalysis
from crmlab.analysis.firm.cards import firm_card
from crmlab.analysis.needs import Needs, NotForFiles, Sample, needs_of
from crmlab.theories import design_of
from crmlab.words import translated, words
from crmlab.words.layout import lines
from crmlab.words.marks import as_text
from crmlab.words.saying import spoken

WIDTH = 110
DATES = ("since", "until", "start", "who")  # rules of every lesson


def listed(lesson: str | None = None) -> str:
    """What each theory needs of a user's tables, or one theory."""
    chosen = [places.lesson(lesson)] if lesson else places.lessons()
    blocks = [words("analyse.list_head")] if lesson is None else []
    for each in chosen:
        rows = [f"{each.number}  {translated(design_of(each.name).title)}"]
        try:
            needs = needs_of(each.name)
        except NotForFiles as why:
            blocks.append("\n".join([*rows, *_wrapped(translated(str(why)))]))
            continue
        rows += _wrapped(translated(needs.about))
        for sample in needs.samples.values():
            text = words(
                "analyse.list_sample", name=sample.name, row=sample.row, columns=", ".join(sample.columns)
            )
            rows += _wrapped(text)
            rows += _from_firm(needs, sample)
        rules = firm_card(needs.theory).rules
        rows += _wrapped(words("firm.list_rules", rules=", ".join([*DATES, *rules]))) if _fed(needs) else []
        blocks.append("\n".join(rows))
    return "\n\n".join(blocks)


def _fed(needs: Needs) -> bool:
    return any(each.rows for each in firm_card(needs.theory).samples.values())


def _from_firm(needs: Needs, sample: Sample) -> list[str]:
    """Which of a sample's columns the tables of crmlab import tell."""
    made = firm_card(needs.theory).samples.get(sample.name)
    if made is None or not made.rows:
        return []
    told = list(made.columns) or list(sample.columns)
    facts = {"tables": ", ".join(made.tables), "columns": ", ".join(told)}
    rows = _wrapped(words("firm.list_from", **facts))
    rest = [each for each in sample.columns if each not in told]
    return rows + (_wrapped(words("firm.list_rest", columns=", ".join(rest))) if rest else [])


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ")


def printed(own: OwnAnalysis) -> str:
    """Every estimate with its verdict, what was not tested and why, and the assumptions that are violated."""
    rows = []
    for row in own.found.estimates.itertuples():
        if row.failure:
            rows.append(
                (
                    row.hypothesis,
                    translated(row.estimator),
                    words("analyse.none"),
                    translated(row.failure)[:60],
                )
            )
            continue
        value = words(
            "analyse.interval", estimate=f"{row.estimate:.3g}", low=f"{row.low:.3g}", high=f"{row.high:.3g}"
        )
        rows.append((row.hypothesis, translated(row.estimator), value, words(f"analyse.{row.verdict}")))
    told = [spoken(each) for each in own.prepared.told]
    broken = [each.finding for each in own.assumptions if each.finding.status == "broken"]
    warned = [words("analyse.printed_broken", name=each.name, subject=each.subject[:60]) for each in broken]
    title = words("analyse.h_untested")
    untested = [
        words("analyse.printed_untested", title=title, name=name, why=as_text(why))
        for name, why in not_tested(own)
    ]
    blocks = [lines(rows), told, untested, warned]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _lacks(own: OwnAnalysis, lacking: list[tuple[str, str]]) -> str:
    """The columns that tables lack, and of a firm's tables why."""
    if own.firm is None:
        return words("analyse.lacks", columns=", ".join(f"{column} ({sample})" for sample, column in lacking))
    return words("analyse.lacks", columns="; ".join(own.firm.why_lacking(lacking)))


def not_tested(own: OwnAnalysis) -> list[tuple[str, str]]:
    """Each hypothesis without an answer, in the theory's order, and why: columns it lacks, or what failed."""
    why = {name: _lacks(own, lacking) for name, lacking in own.untested.items()}
    for name, every in own.failed().items():
        reasons: dict[str, list[str]] = {}
        for estimator, reason in every:
            reasons.setdefault(reason, []).append(f"*{translated(estimator)}*")
        why[name] = " ".join(
            words("analyse.could_not", names=", ".join(names), why=translated(reason))
            for reason, names in reasons.items()
        )
    return [(each.name, why[each.name]) for each in design_of(own.design.name).hypotheses if each.name in why]
