"""What an analysis of a user's tables says in words, for readers who know no statistics."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from crmlab.analysis import Assumption, OwnAnalysis
from crmlab.design import Hypothesis
from crmlab.design.multiplicity import holm
from crmlab.reports.assumed import p_text, title, together
from crmlab.words import translated, words

LEVEL = 0.05  # of several tests taken together
WEAK, FOOLED = 0.5, 0.10  # power below which a test is weak; rate of a false yes above which it is fooled
VERDICTS = ("supported", "contradicted", "undecided")


def number(value: float) -> str:
    """A number to three digits, without an exponent where people read it."""
    if not np.isfinite(value):
        return "∞" if value > 0 else "−∞" if value < 0 else "–"
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return text.replace("-", "−")


class Telling:
    """The sentences of an analysis."""

    def __init__(self, own: OwnAnalysis) -> None:
        self.own = own
        known = own.found.estimates
        self.rows = {(row.hypothesis, row.estimator): row for row in known.itertuples()}

    # rows ------------------------------------------------------------------------------------------------

    def computed(self, hypothesis: Hypothesis) -> list[Any]:
        """The rows of a hypothesis' estimators that gave an answer, in their order."""
        rows = [self.rows[hypothesis.name, name] for name in hypothesis.estimators]
        return [row for row in rows if not row.failure]

    def main(self, hypothesis: Hypothesis) -> Any:
        """The row that the verdict is read from: the lesson's headline, or the first that gave an answer."""
        rows = self.computed(hypothesis)
        return rows[0] if rows else None

    def rate(self, hypothesis: str, estimator: str, world: str) -> Any:
        """What simulation says of an estimator in a world; None without simulations."""
        worlds = self.own.found.worlds
        if worlds.empty:
            return None
        at = worlds[
            (worlds["hypothesis"] == hypothesis)
            & (worlds["estimator"] == estimator)
            & (worlds["preset"] == world)
        ]
        return None if at.empty else at.iloc[0]

    def power(self, row: Any) -> float:
        """The share in which an estimator finds what is there in the literature's world, NaN if not known."""
        at = self.rate(row.hypothesis, row.estimator, "literature")
        return float(at["rejection_rate"]) if at is not None and at["holds"] else np.nan

    def false_yes(self, row: Any) -> float:
        """The largest share in which an estimator says yes in a world where the claim is false."""
        rates = [self.rate(row.hypothesis, row.estimator, world) for world in ("null", "trap", "literature")]
        false = [at for at in rates if at is not None and not at["holds"]]
        return max((float(at["rejection_rate"]) for at in false), default=np.nan)

    def fooled(self, row: Any) -> bool:
        """Whether an estimator often says yes where the claim is false, beyond the simulation's own error."""
        sims = self.own.settings["sims"]
        return self.false_yes(row) - 2 * np.sqrt(0.05 * 0.95 / max(sims, 1)) > FOOLED

    def verdict(self, row: Any) -> dict[str, str]:
        """The verdict in words and how it looks: the yes of a test that is easily fooled looks like none."""
        if row.verdict == "supported" and self.fooled(row):
            return {"verdict": words("analyse.supported_fooled"), "key": "fooled"}
        return {"verdict": words(f"analyse.{row.verdict}"), "key": row.verdict}

    # short -----------------------------------------------------------------------------------------------

    def facts(self) -> list[tuple[str, str]]:
        """The figures at the head."""
        verdicts = [row.verdict for row in map(self.main, self.own.design.hypotheses) if row is not None]
        counted = [(words("analyse.fact_tested"), str(len(verdicts)))]
        counted += [(words(f"analyse.fact_{each}"), str(verdicts.count(each))) for each in VERDICTS]
        broken = {(each.finding.name, each.finding.subject) for each in self.broken()}
        return [*counted, (words("analyse.fact_alarms"), str(len(broken)))]

    def broken(self) -> list[Assumption]:
        """The assumptions that are violated."""
        return [each for each in self.own.assumptions if each.finding.status == "broken"]

    def short(self) -> list[str]:
        """The findings in a few sentences."""
        rows = [(each, self.main(each)) for each in self.own.design.hypotheses]
        rows = [(each, row) for each, row in rows if row is not None]
        lines = [
            words(
                f"analyse.short_{verdict}", names=_names(each for each, row in rows if row.verdict == verdict)
            )
            for verdict in VERDICTS
            if any(row.verdict == verdict for _, row in rows)
        ]
        other = [
            each for each, row in rows if any(one.verdict != row.verdict for one in self.computed(each)[1:])
        ]
        lines += [words("analyse.short_naive", names=_names(other))] if other else []
        lines += self._several([row for _, row in rows])
        simpler = [each for each, row in rows if self.lacks(each, row)]
        lines += [words("analyse.short_simpler", names=_names(simpler))] if simpler else []
        weak = [each for each, row in rows if row.verdict == "undecided" and self.power(row) < WEAK]
        lines += [words("analyse.short_weak", names=_names(weak))] if weak else []
        fooled = [(each, self.false_yes(row)) for each, row in rows if self.fooled(row)]
        if fooled:
            rate = max(share for _, share in fooled)
            lines.append(words("analyse.short_fooled", names=_names(each for each, _ in fooled), rate=rate))
        titles = list(dict.fromkeys(title(each) for each in self.broken()))
        key = {0: "none_broken", 1: "one_broken"}.get(len(titles), "broken")
        lines.append(words(f"analyse.short_{key}", count=len(titles), titles="; ".join(titles)))
        return [*lines, words("analyse.short_believe")]

    def _several(self, rows: Sequence[Any]) -> list[str]:
        """What is left of what the data speak for when one allows for having tested several at once."""
        spoken = [row for row in rows if row.verdict == "supported"]
        if len(rows) < 2 or not spoken:
            return []
        adjusted = holm(np.array([row.p_value for row in rows]))
        left = [row.hypothesis for row, p in zip(rows, adjusted) if row.verdict == "supported" and p < LEVEL]
        key = "analyse.short_holm_all" if len(left) == len(spoken) else "analyse.short_holm"
        return [words(key, tests=len(rows), left=", ".join(left) or words("analyse.no_naive"))]

    def lacks(self, hypothesis: Hypothesis, row: Any) -> tuple[str, str] | None:
        """The lesson's own estimator and what it lacks, where it is not the one that was read."""
        first = next(name for of, name in self.own.lacking if of == hypothesis.name)
        columns = self.own.lacking[hypothesis.name, first]
        if row.estimator == first or not columns:
            return None
        return translated(first), ", ".join(f"{column} ({sample})" for sample, column in columns)

    def verdicts(self) -> list[dict[str, Any]]:
        """The table of hypotheses."""
        found = []
        for each in self.own.design.hypotheses:
            row = self.main(each)
            if row is None:
                continue
            others = self.computed(each)[1:]
            found.append(
                {
                    "name": each.name,
                    "claim": translated(each.claim),
                    **self.verdict(row),
                    "estimate": interval(row),
                    "unit": translated(each.unit),
                    "naive": self._naive_cell(row, others),
                    "mind": self._mind(each, row),
                }
            )
        return found

    def _naive_cell(self, row: Any, others: Sequence[Any]) -> str:
        if not others:
            return words("analyse.no_naive")
        differing = [one for one in others if one.verdict != row.verdict]
        if not differing:
            far = [one for one in others if not row.low <= one.estimate <= row.high]
            return words("analyse.same_far", estimate=interval(far[0])) if far else words("analyse.same_said")
        verdict = words(f"analyse.{differing[0].verdict}")
        return words("analyse.other_said", verdict=verdict, estimate=interval(differing[0]))

    def _mind(self, hypothesis: Hypothesis, row: Any) -> str:
        broken = [
            each for each in self.own.of(hypothesis.name, row.estimator) if each.finding.status == "broken"
        ]
        said = [words("analyse.mind_broken", count=len(broken))] if broken else []
        said += [words("analyse.mind_simpler")] if self.lacks(hypothesis, row) else []
        said += [words("analyse.mind_weak")] if self.power(row) < WEAK else []
        said += [words("analyse.mind_fooled")] if self.fooled(row) else []
        said += [words("analyse.mind_lot")] if (hypothesis.name, row.estimator) in self.own.lots else []
        return "; ".join(said) or words("analyse.mind_nothing")

    # each ------------------------------------------------------------------------------------------------

    def sections(self) -> list[dict[str, Any]]:
        """What is said of each hypothesis."""
        return [self._section(each) for each in self.own.design.hypotheses if self.main(each) is not None]

    def _section(self, hypothesis: Hypothesis) -> dict[str, Any]:
        row = self.main(hypothesis)
        of = self.own.of(hypothesis.name, row.estimator)
        tested = [each for each in of if each.finding.status != "unknown" and not _is_fine_scale(each)]
        believed = [each for each in of if each.finding.status == "unknown"]
        return {
            "name": hypothesis.name,
            "claim": translated(hypothesis.claim),
            "estimator": translated(row.estimator),
            **self.verdict(row),
            "result": [
                *self._lacking(hypothesis, row),
                self._result(hypothesis, row),
                *self._one_sided(hypothesis, row),
                *self._causal(hypothesis, row),
            ],
            "naive": self._naive(hypothesis, row),
            "says": self._simulation(row),
            "bears": [*self._smallest(hypothesis), *self._sensitivity(hypothesis, row)],
            "rests": together(tested),
            "believe": [(head, text) for _, head, text in together(believed)],
            "failed": [
                words(
                    "analyse.failed",
                    name=translated(name),
                    why=translated(self.rows[hypothesis.name, name].failure),
                )
                for name in hypothesis.estimators
                if self.rows[hypothesis.name, name].failure
            ],
        }

    def _lacking(self, hypothesis: Hypothesis, row: Any) -> list[str]:
        lacks = self.lacks(hypothesis, row)
        if lacks is None:
            return []
        return [words("analyse.simpler", headline=lacks[0], columns=lacks[1], name=translated(row.estimator))]

    def _result(self, hypothesis: Hypothesis, row: Any) -> str:
        return words(
            f"analyse.result_{row.verdict}",
            estimate=number(row.estimate),
            low=number(row.low),
            high=number(row.high),
            unit=f" ({translated(hypothesis.unit)})" if hypothesis.unit else "",
            claim=claimed(hypothesis),
        )

    def _one_sided(self, hypothesis: Hypothesis, row: Any) -> list[str]:
        """Why data may speak for a claim though the interval reaches beyond its edge."""
        beyond = {">": row.low < hypothesis.null, "<": row.high > hypothesis.null}.get(
            hypothesis.direction, False
        )
        return (
            [words("analyse.one_sided", p=p_text(row.p_value))]
            if beyond and row.verdict == "supported"
            else []
        )

    def _causal(self, hypothesis: Hypothesis, row: Any) -> list[str]:
        """What the verdict says of causes: by a lot, only if much is believed, or nothing."""
        lot = self.own.lots.get((hypothesis.name, row.estimator))
        if lot:
            return [words("analyse.causal_lot", lot=lot)]
        names = {each.finding.name for each in self.own.of(hypothesis.name, row.estimator)}
        if "confounding" not in names:
            return [words("analyse.not_causal")]
        return [words("analyse.causal_not")] if row.verdict == "supported" else []

    def _naive(self, hypothesis: Hypothesis, row: Any) -> list[str]:
        lines = []
        for one in self.computed(hypothesis)[1:]:
            name, estimate = translated(one.estimator), interval(one)
            if one.verdict == row.verdict:
                lines.append(words("analyse.naive_same", name=name, estimate=estimate))
                continue
            verdict = words(f"analyse.{one.verdict}")
            why = self._why_other(one, row)
            lines.append(words("analyse.naive_other", name=name, verdict=verdict, estimate=estimate, why=why))
        return lines

    def _why_other(self, one: Any, row: Any) -> str:
        theirs, ours = (self.rate(each.hypothesis, each.estimator, "trap") for each in (one, row))
        if theirs is None or ours is None or theirs["holds"]:
            return ""
        rates = {"trap": float(theirs["rejection_rate"]), "ours": float(ours["rejection_rate"])}
        return words("analyse.naive_why_fooled", headline=translated(row.estimator), **rates)

    def _simulation(self, row: Any) -> list[str]:
        at = {
            world: self.rate(row.hypothesis, row.estimator, world) for world in ("literature", "null", "trap")
        }
        if at["literature"] is None:
            return []
        name, first = translated(row.estimator), at["literature"]
        rows = "like_more_rows" if "raised" in self.own.limits else "like_rows"
        like = words(f"analyse.{rows}", sizes=self.sizes(row.hypothesis))
        key = "analyse.says_power" if first["holds"] else "analyse.says_lit_false"
        lines = [words(key, name=name, sims=int(first["sims"]), like=like, **_rate(first, "power"))]
        if at["null"] is not None and not at["null"]["holds"]:
            lines.append(words("analyse.says_size", **_rate(at["null"], "size")))
        if at["trap"] is not None:
            key = "analyse.says_trap_true" if at["trap"]["holds"] else "analyse.says_trap"
            lines.append(words(key, **_rate(at["trap"], "trap")))
        return lines

    def sizes(self, hypothesis: str) -> str:
        """With how many customers, branches and so on a hypothesis was simulated."""
        sizes = self.own.settings["simulated"][hypothesis]
        return ", ".join(
            f"{value:,} {name.removeprefix('n_').replace('_', ' ')}" for name, value in sizes.items()
        )

    def _smallest(self, hypothesis: Hypothesis) -> list[str]:
        table = self.own.found.smallest
        at = table[table["hypothesis"] == hypothesis.name]
        if at.empty:
            return []
        row = at.iloc[0]
        key = "analyse.smallest_within" if hypothesis.direction == "within" else "analyse.smallest_here"
        lines = [words(key, here=number(row["here"]), power=self.own.found.power)]
        if np.isfinite(row["simulated"]):
            over = str(row["over"]).replace("_", " ")
            lines.append(words("analyse.smallest_simulated", simulated=number(row["simulated"]), over=over))
        return lines

    def _sensitivity(self, hypothesis: Hypothesis, row: Any) -> list[str]:
        found = self.own.sensitivity.get((hypothesis.name, row.estimator))
        if found is None or row.verdict != "supported":
            return []
        if found.kind == "e_value":
            return [words("analyse.e_value", e=found.of_estimate, ei=found.of_interval)]
        lines = [words("analyse.robust", null=hypothesis.null, rv=found.of_estimate, rvi=found.of_interval)]
        if found.benchmark:
            facts = {"benchmark": found.benchmark.replace("_", " "), "like": number(found.like_benchmark)}
            lines.append(words("analyse.robust_benchmark", **facts))
        return lines


def _is_fine_scale(each: Assumption) -> bool:
    """Whether it says that nothing is wrong with a scale: such findings stand in the table of all."""
    return each.finding.status == "kept" and each.finding.name in ("ceiling", "reliability")


def _rate(world: Any, name: str) -> dict[str, float]:
    """A share of simulated samples, and its 95% error."""
    return {name: float(world["rejection_rate"]), "error": 1.96 * float(world["rejection_rate_mcse"])}


def _names(hypotheses: Any) -> str:
    return ", ".join(each.name for each in hypotheses)


def interval(row: Any) -> str:
    """An estimate with its interval."""
    return words(
        "analyse.interval", estimate=number(row.estimate), low=number(row.low), high=number(row.high)
    )


def claimed(hypothesis: Hypothesis) -> str:
    """What a claim says of its quantity."""
    key = {">": "more", "<": "less", "!=": "other", "within": "within"}[hypothesis.direction]
    return words(f"analyse.claim_{key}", null=hypothesis.null, margin=hypothesis.margin or 0.0)


def region(hypothesis: Hypothesis) -> tuple[float | None, float | None]:
    """The ends of the region in which a claim holds; None where it goes on."""
    null, margin = hypothesis.null, hypothesis.margin or 0.0
    ends: Mapping[str, tuple[float | None, float | None]] = {
        ">": (null, None),
        "<": (None, null),
        "!=": (null, None),
        "within": (null - margin, null + margin),
    }
    return ends[hypothesis.direction]
