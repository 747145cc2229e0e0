"""What a customer report says in words: facts and their intervals, models, why a forecast missed."""

import calendar
from typing import Any

import numpy as np

from crmlab.errors import option
from crmlab.reports.forecasts import Total
from crmlab.reports.holdouts import Comparison
from crmlab.reports.misses import Miss
from crmlab.words import words

LONG = 1e4  # units of time beyond which a time cannot be told from never


def number(value: Any) -> str:
    """A number as people read it: whole ones with commas, others to four digits."""
    if isinstance(value, (int, np.integer)):
        return f"{value:,}"
    if not np.isfinite(value):
        return words("fit.unknown")
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def count(value: float) -> str:
    """A number of customers or purchases: whole, or to two digits where it is small."""
    if not np.isfinite(value):
        return words("fit.unknown")
    return f"{value:,.0f}" if abs(value) >= 10 or value == 0 else f"{value:.2g}"


class Money:
    """Writes amounts in a currency: before the number if it is a sign, after it if it is a word.

    Parameters
    ----------
    currency : str or None
    cents : bool
        Whether amounts below 100 have them.
    """

    def __init__(self, currency: str | None, cents: bool = True) -> None:
        self.currency, self.cents = currency or "", cents

    def __call__(self, value: float) -> str:
        """An amount as text."""
        if not np.isfinite(value):
            return words("fit.unknown")
        text = f"{abs(value):,.2f}" if self.cents and abs(value) < 100 else f"{abs(value):,.0f}"
        sign = "−" if value < 0 and float(text.replace(",", "")) else ""
        if not self.currency:
            return sign + text
        return (
            f"{sign}{text} {self.currency}" if self.currency[0].isalpha() else f"{sign}{self.currency}{text}"
        )


def facts(report: Any) -> list[tuple[str, str, str]]:
    """The figures at the head: what each is, its value, and between what it lies."""
    settings = report.settings
    ahead = {"horizon": f"{settings['horizon']:g}", "units": words(f"fit.units_{settings['time_unit']}")}
    found = [
        (words("fit.fact_customers"), f"{report.size:,}", ""),
        (words("fit.fact_purchases"), f"{report.repeats:,}", ""),
    ]
    money = Money(settings["currency"])
    for name, total in report.totals.items():
        write = money if name == "value" else count
        key = {"active": "active", "expected_purchases": "expected", "value": "value"}[name]
        found.append((words(f"fit.fact_{key}", **ahead), write(total.value), between(total, write)))
    return found


def left_out(report: Any) -> str:
    """What a report made from counts has not."""
    said = [words("fit.left_out", compared=f"{report.comparison.customers:,}")]
    said += [words("fit.left_out_elsewhere")] if report.tracking is None else []
    return " ".join(said)


def between(total: Total, write: Any) -> str:
    """The interval of a total; nothing where it is not known."""
    if not np.isfinite(total.low):
        return ""
    return words("fit.between", low=write(total.low), high=write(total.high))


def story(model: Any, unit: str) -> list[str]:
    """What the parameters of a model of purchases mean, with times in the report's unit."""
    p, units, one = model.params_, words(f"fit.units_{unit}"), words(f"fit.unit_{unit}")
    k = getattr(model, "k_", 1)
    rate = float(p["r"] / p["alpha"]) / k
    lines = [words("fit.story_zero")] if hasattr(model, "base") else []
    lines += [words("fit.story_rate", rate=f"{rate:.3g}", unit=one, gap=_time(1.0 / rate, units))]
    lines += [words("btyd.regular", k=k, variation=k**-0.5)] if k > 1 else []
    if "s" in p:
        with np.errstate(over="ignore"):
            median = float(p["beta"] * np.expm1(np.log(2.0) / p["s"]))
        key = "fit.story_median" if median < LONG else "fit.story_hardly"
        return [*lines, words(key, median=_time(median, units))]
    key = "fit.story_dropout_first" if getattr(model, "flips_at_start", False) else "fit.story_dropout"
    return [*lines, words(key, dropout=float(p["a"] / (p["a"] + p["b"])))]


def _time(value: float, units: str) -> str:
    return words("fit.time", value=f"{value:.3g}", units=units)


def printed(report: Any) -> str:
    """The fitted models as text, with times and money in the report's units."""
    unit, money = report.settings["time_unit"], Money(report.settings["currency"])
    blocks = [(report.model, story(report.model, unit))]
    if report.spend is not None:
        blocks.append((report.spend, spend_story(report.spend, money)))
    # A model ends its own text, after a blank line, with what its parameters mean in no unit.
    return "\n\n".join(
        f"{str(model).rsplit(chr(10) * 2, 1)[0]}\n\n{' '.join(told)}" for model, told in blocks
    )


def spend_story(spend: Any, money: Money) -> list[str]:
    """What the parameters of the model of spend mean."""
    p, q = float(spend.params_["p"]), float(spend.params_["q"])
    mean = float(spend.expected_spend())
    lines = [words("fit.story_spend", mean=money(mean)) if np.isfinite(mean) else words("fit.story_no_mean")]
    lines.append(words("fit.story_within", within=1.0 / np.sqrt(p)))
    key = "fit.story_between" if q > 2.0 else "fit.story_unbounded"
    return [*lines, words(key, between=1.0 / np.sqrt(q - 2.0) if q > 2.0 else np.inf)]


def comparison_story(comparison: Comparison, chosen: str) -> list[str]:
    """Which model fits best, which forecast best, on what they differ and what follows."""
    best, held = comparison.best, comparison.best_in_holdout
    lines = []
    if len(comparison.models) > 1:
        second = comparison.models[1]
        key = "fit.best_aic" if second.aic - best.aic > 2.0 else "fit.same_aic"
        lines.append(words(key, name=best.name, other=second.name, by=f"{second.aic - best.aic:,.1f}"))
    if held is not None:
        key = "fit.holdout_agrees" if held is best else "fit.holdout_differs"
        miss, other = abs(held.miss), abs(best.miss)
        lines.append(words(key, name=held.name, miss=miss, best=best.name, other=other))
    low = min(comparison.models, key=lambda each: each.active_never)
    high = max(comparison.models, key=lambda each: each.active_never)
    if comparison.never and high.active_never > 1.1 * low.active_never:
        lines.append(
            words(
                "fit.differ_never",
                never=f"{comparison.never:,}",
                low=low.name,
                few=f"{low.active_never:,.0f}",
                high=high.name,
                many=f"{high.active_never:,.0f}",
            )
        )
    ours = next((each for each in comparison.models if each.name == chosen), None)
    if ours is not None and ours.aic - best.aic > 10.0:
        lines.append(words("fit.choose", name=chosen, best=best.name, key=best.key))
    return lines


def season(factors: Any) -> dict[str, str]:
    """What the season is: the parts of the year with most and fewest purchases, and how many of the mean."""
    high, low = factors["factor"].idxmax(), factors["factor"].idxmin()
    return {
        "high": _part(high),
        "low": _part(low),
        "most": f"{factors['factor'].max():.2f}",
        "least": f"{factors['factor'].min():.2f}",
    }


def _part(part: Any) -> str:
    """A month, quarter or week of the year as it is called."""
    if isinstance(part, (int, np.integer)):
        return words("fit.week_n", n=part)
    return words("fit.quarter_n", n=part[-1]) if str(part).startswith("quarter_") else str(part)


def meaning(name: str, model: Any) -> str:
    """What a parameter of a model is, or the coefficient of a covariate."""
    side, _, covariate = name.partition("_")
    if covariate:
        at_purchase = side == "dropout" and "a" in model.params_
        return words(f"fit.meaning_{side}_covariate{'_at_purchase' * at_purchase}", name=covariate)
    regular = name == "alpha" and getattr(model, "k_", 1) > 1
    return words(f"fit.meaning_{name}{'_regular' * regular}")


def about(miss: Miss, season_is_known: bool = False) -> dict[str, str]:
    """The words of a miss: title, what was found, what would mend it, and the picture's."""
    values = {"p": "< 0.001" if miss.p < 0.001 else f"= {miss.p:.3f}", "size": f"{miss.size:.2f}"}
    top, bottom = int(np.argmax(miss.factor)), int(np.argmin(miss.factor))
    if miss.kind == "season":
        values |= {
            "high": calendar.month_name[miss.labels[top]],
            "low": calendar.month_name[miss.labels[bottom]],
        }
    elif miss.kind == "cohorts":
        values |= {"high": str(miss.labels[top]), "low": str(miss.labels[bottom])}
    elif miss.kind == "trend":
        values |= {"change": f"{miss.size - 1.0:+.0%}"}
    else:
        values |= {"day": str(miss.place), "change": f"{miss.size - 1.0:+.0%}"}
    values |= {"most": f"{miss.factor[top]:.2f}", "least": f"{miss.factor[bottom]:.2f}"}
    parts = ("title", "found", "remedy", "alt")
    values |= {"option": option("season", "monthly")}
    said = {part: words(f"fit.miss_{miss.kind}_{part}", **values) for part in parts}
    if miss.kind == "season" and season_is_known:
        said["remedy"] = words("fit.miss_season_other", **values)
    return said


def rfm_rows(report: Any) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """The table of groups by recency and frequency: heads, and for each row its name and cells."""
    money, table = Money(report.settings["currency"]), report.segments
    form = ".0f" if table["silent_to"].max() >= 10 else ".2g"
    rows = []
    for (silence, often), row in table.iterrows():
        name = words("fit.group", silence=words(f"fit.silence_{silence}"), often=words(f"fit.often_{often}"))
        span = f"{row.silent_from:{form}}–{row.silent_to:{form}}"
        bought = f"{row.bought_from:.0f}"
        bought += f"–{row.bought_to:.0f}" if row.bought_to > row.bought_from else ""
        cells = [f"{row.customers:,.0f}", span, bought]
        if "amount" in table:
            cells.append(money(row.amount) if np.isfinite(row.amount) else "–")
        cells += [f"{row.active:.0%}", count(row.expected_purchases)]
        cells += [money(row.value), money(row.value_each)] if "value" in table else []
        rows.append((name, cells))
    keys = ["customers", "silent", "bought"] + ["amount"] * ("amount" in table)
    keys += ["active", "expected"] + ["value", "value_each"] * ("value" in table)
    units = words(f"fit.units_{report.settings['time_unit']}")
    return [words(f"fit.head_{key}", units=units) for key in keys], rows


def cohort_rows(report: Any) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """The table of cohorts: heads, and for each row its name and cells."""
    money, table = Money(report.settings["currency"]), report.cohorts
    rows = []
    for name, row in table.iterrows():
        cells = [f"{row.customers:,.0f}", f"{row.again:.0%}", f"{row.repeats_each:.2f}", f"{row.active:.0%}"]
        cells.append(count(row.expected_purchases))
        cells += [money(row.value), money(row.value_each)] if "value" in table else []
        rows.append((str(name), cells))
    keys = ["customers", "again", "repeats", "active", "expected"]
    keys += ["value", "value_each"] * ("value" in table)
    return [words(f"fit.head_{key}") for key in keys], rows


def comparison_rows(comparison: Comparison) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """The table of models: heads, and for each row its name and cells."""
    held = comparison.best_in_holdout is not None
    rows = []
    for each in comparison.models:
        cells = [f"{each.aic - comparison.best.aic:,.1f}"]
        if held:
            known = np.isfinite(each.holdout_error)
            cells += [f"{each.miss:+.1%}", f"{each.holdout_error:.4f}"] if known else ["–", "–"]
        cells += [count(each.active), count(each.active_never), count(each.expected)]
        cells.append(words("fit.converged" if each.status == "converged" else "fit.not_converged"))
        rows.append((each.name, cells))
    keys = ["aic"] + ["miss", "error"] * held + ["count_active", "count_never", "expected", "fit"]
    return [words(f"fit.head_{key}") for key in keys], rows
