"""What is said of an assumption: what it is, what it means, what its check found, what can be done."""

import re
from collections.abc import Sequence
from typing import Any

from crmlab.analysis import Assumption
from crmlab.errors import listing
from crmlab.words import translated, words

SHOWN = 5  # rows that a sentence lists
MINUS = re.compile(r"(?<![\w.-])-(?=\d)")


def p_text(p: float) -> str:
    """A p-value as text."""
    return words("checks.p_small") if p < 0.001 else words("checks.p_value", p=p)


def _facts(each: Assumption) -> dict[str, Any]:
    finding, facts = each.finding, dict(each.finding.facts)
    if facts.get("here"):
        facts["here"] = words("checks.confounding_here", here=translated(facts["here"]))
    if "file" in facts:
        key = "checks.influence_row" if facts["at"] is not None else "checks.influence_some_row"
        facts["row"] = words(key, at=facts["at"], file=facts["file"])
        facts |= {"pulling": _rows(facts)} if "rows" in facts else {}
    return {"subject": finding.subject.replace("_", " "), "here": "", **facts, "p": p_text(finding.p)}


def _rows(facts: dict[str, Any]) -> str:
    """The rows of high leverage, as the file numbers them."""
    rows, file = facts["rows"], facts["file"]
    if facts["at"] is None:
        return words("checks.influence_some_rows", count=len(rows))
    if len(rows) == 1:
        return words("checks.influence_row", at=rows[0], file=file)
    return words("checks.influence_rows", rows=listing(rows, SHOWN), file=file)


def title(each: Assumption) -> str:
    """What is assumed."""
    return words(f"checks.{each.finding.name}_title", **_facts(each))


def means(each: Assumption) -> str:
    """What it means where it fails."""
    facts = {"unit": each.finding.subject, "wanted": 30, **_facts(each)}
    return words(f"checks.{each.finding.name}_means", **facts)


def found_of(each: Assumption) -> str:
    """What the check found."""
    finding, facts = each.finding, _facts(each)
    if finding.status == "unknown":
        return believe(each)
    if facts.get("saturated"):
        return words("checks.linearity_saturated")
    if facts.get("alone"):
        return words("checks.influence_alone", **facts)
    if "seen" in facts:
        share = max(facts["top"], facts["bottom"])
        return MINUS.sub("−", words("checks.ceiling_seen", share=share, **facts))
    if finding.name == "balance" and finding.status != "kept":
        return words("checks.balance_broken", **facts)
    said = [words(f"checks.{finding.name}_found", **facts)]
    said += [words("checks.influence_leverage", **facts)] if "pulling" in facts else []
    said += [words("checks.influence_small", **facts)] if facts.get("ratio", 1.0) < 1 else []
    return MINUS.sub("−", " ".join(said))


def together(assumptions: Sequence[Assumption]) -> list[tuple[str, str, str]]:
    """Status, title and text of assumptions; those of a title together, by the worst of them, told apart."""
    groups: dict[str, list[Assumption]] = {}
    for each in assumptions:
        groups.setdefault(title(each), []).append(each)
    found = []
    for head, every in groups.items():
        texts = list(dict.fromkeys(found_of(each) for each in every))
        if len(texts) > 1:
            texts = [f"{each.finding.subject.replace('_', ' ')}: {found_of(each)}" for each in every]
        found.append((every[0].finding.status, head, " ".join(texts)))
    return found


def believe(each: Assumption) -> str:
    """What has to be believed where no check can tell."""
    why = each.finding.facts.get("why")
    if why:
        return words("checks.untested_why", why=why)
    return words(f"checks.{each.finding.name}_believe", **_facts(each))


def remedy(each: Assumption) -> str:
    """What can be done where it fails."""
    if each.finding.status in ("kept", "unknown"):
        return ""
    if each.finding.facts.get("alone"):
        return words("checks.influence_alone_remedy")
    if "rows" in each.finding.facts:
        return words("checks.influence_leverage_remedy")
    return words(f"checks.{each.finding.name}_remedy", **_facts(each))
