"""The game's pictures, each as data that a page holds within it, with its alt text and caption."""

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from crmlab.game.economy import HISTORY
from crmlab.game.scoring import Advantage
from crmlab.game.telling import REACH
from crmlab.plots.language import fonts_of
from crmlab.plots.style import HEADLINE, NAIVE, PALETTE, png, subplots
from crmlab.words import words

SHARP = 130  # dots an inch
ROW = 0.34  # inches a team in a picture of teams


def held(figure: Figure, alt: str, caption: str) -> dict[str, Any]:
    """A picture for a page; the figure is closed."""
    width, height = (figure.get_size_inches() * 96).round().astype(int)
    with plt.rc_context({"savefig.dpi": SHARP}):
        data = base64.b64encode(png(figure)).decode("ascii")
    plt.close(figure)
    return {
        "data": f"data:image/png;base64,{data}",
        "alt": alt,
        "caption": caption,
        "width": width,
        "height": height,
    }


def course_so_far(orders: npt.NDArray[np.int64], profits: Sequence[float], caption: str) -> dict[str, Any]:
    """Orders a month, and profit by round where there was one.

    Parameters
    ----------
    orders : array of shape (months,)
    profits : sequence of float
        By round.
    """
    if not len(profits):
        figure, axes = subplots(figsize=(7.2, 3.0))
        _orders(axes, orders)
    else:
        figure, (axes, right) = subplots(1, 2, figsize=(8.4, 3.2), width_ratios=(3, 2))
        _orders(axes, orders)
        _bars(right, profits)
    alt = words("game.alt_course", months=len(orders), rounds=len(profits))
    return held(figure, alt, caption)


def _orders(axes: Axes, orders: npt.NDArray[np.int64]) -> None:
    orders = orders[1:]  # in the first month those who found the company come, all at once
    axes.plot(np.arange(2, orders.size + 2), orders, color=HEADLINE, marker="o", markersize=3)
    axes.axvspan(0.5, HISTORY + 0.5, color="#EFEFEF", zorder=0)
    axes.text(2, orders.max() * 1.1, words("game.axis_history"), fontsize=8, color="#4a535c")
    axes.set(xlabel=words("game.axis_month"), ylabel=words("game.axis_orders"), ylim=(0, orders.max() * 1.2))
    axes.set_xlim(0.5, max(orders.size + 1, HISTORY) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_title(words("game.title_orders"))


def _bars(axes: Axes, profits: Sequence[float]) -> None:
    rounds = np.arange(1, len(profits) + 1)
    thousands = np.asarray(profits) / 1e3
    bars = axes.bar(rounds, thousands, color=PALETTE["sky"], edgecolor="#333333", width=0.6)
    axes.bar_label(bars, fmt="%.1f", fontsize=8, padding=2)
    axes.margins(y=0.15)
    axes.set(xlabel=words("game.axis_round"), ylabel=words("game.axis_thousands"), xticks=rounds)
    axes.set_title(words("game.title_profits"))
    axes.axhline(0, color="#333333", linewidth=0.8)


def mailing_tests(
    rows: Sequence[tuple[str, float, float, float, float]], money: Callable[[float], str]
) -> dict[str, Any]:
    """Spend in the month of each mailing by lot, of those who got it and those who did not.

    Parameters
    ----------
    rows : sequence of (name, mean with, its standard error, mean without, its standard error)
    money : callable
        Writes an amount.
    """
    figure, axes = subplots(figsize=(7.2, 1.3 + 0.45 * len(rows)))
    at = np.arange(len(rows))[::-1].astype(float)
    for shift, first, colour, marker, name in (
        (0.12, 1, HEADLINE, "o", "game.sent"),
        (-0.12, 3, NAIVE, "s", "game.not_sent"),
    ):
        mean, error = np.array([[row[first], row[first + 1]] for row in rows]).T
        axes.errorbar(
            mean,
            at + shift,
            xerr=REACH * error,
            fmt=marker,
            color=colour,
            capsize=3,
            label=words(name),
            markersize=6,
        )
    axes.set_yticks(at, [row[0] for row in rows])
    axes.set(xlabel=words("game.axis_spend"), ylim=(-0.6, len(rows) - 0.4))
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.0 + 0.5 / len(rows)), ncols=2, fontsize="small")
    gain = float(np.mean([row[1] - row[3] for row in rows]))
    error = float(np.sqrt(np.sum([row[2] ** 2 + row[4] ** 2 for row in rows])) / len(rows))
    low, high = gain - REACH * error, gain + REACH * error
    caption = words("game.caption_tests", gain=money(gain), low=money(low), high=money(high))
    return held(figure, words("game.alt_tests", count=len(rows)), caption)


def standing(profits: Mapping[str, float], caption: str) -> dict[str, Any]:
    """Profit so far of each team, the highest first."""
    names = sorted(profits, key=lambda each: profits[each], reverse=True)[::-1]  # ties as in the table
    figure, axes = subplots(figsize=(7.2, 1.0 + ROW * len(names)))
    thousands = np.array([profits[name] for name in names]) / 1e3
    bars = axes.barh(np.arange(len(names)), thousands, color=PALETTE["sky"], edgecolor="#333333", height=0.65)
    _name_rows(axes, np.arange(len(names)), names)
    axes.bar_label(bars, fmt="%.1f", fontsize=8, padding=3)
    axes.set_xlabel(words("game.axis_thousands"))
    axes.grid(axis="y", visible=False)
    axes.margins(x=0.12, y=0.02)
    return held(figure, words("game.alt_standing", count=len(names)), caption)


def advantages(
    found: Mapping[str, Advantage], names: Mapping[str, str], best: tuple[str, float] | None, caption: str
) -> dict[str, Any]:
    """Expected advantage with its luck interval, and the realised one, a team a row in the order given."""
    order = list(found)[::-1]
    figure, axes = subplots(figsize=(8.2, 1.7 + ROW * len(order)))
    at = np.arange(len(order))
    low, high = np.array([found[team].interval for team in order]).T / 1e3
    axes.hlines(at, low, high, color=HEADLINE, linewidth=5, alpha=0.35, label=words("game.legend_interval"))
    axes.plot(
        [found[team].expected / 1e3 for team in order],
        at,
        "o",
        color=HEADLINE,
        label=words("game.legend_expected"),
    )
    realised = [found[team].realised / 1e3 for team in order]
    axes.plot(
        realised, at, "D", markerfacecolor="white", markeredgecolor=NAIVE, markeredgewidth=1.6, markersize=7,
        linestyle="none", label=words("game.legend_realised"),
    )  # fmt: skip
    axes.axvline(0, color="#000000", linewidth=1.2)
    if best:
        axes.axvline(
            best[1] / 1e3, color=PALETTE["green"], linestyle=":", linewidth=2, label=words("game.legend_best")
        )
    _name_rows(axes, at, [names[team] for team in order])
    axes.set(xlabel=words("game.axis_advantage"), ylim=(-0.6, len(order) - 0.4))
    figure.legend(loc="outside upper center", ncols=2, fontsize="small")
    return held(figure, words("game.alt_advantages", count=len(order)), caption)


def rankings(
    board: Mapping[str, int],
    scored: Mapping[str, int],
    skill: Mapping[str, int],
    names: Mapping[str, str],
    movers: Sequence[str],
    caption: str,
) -> dict[str, Any]:
    """Places by profit, by score and by skill; those who moved most are drawn strongly."""
    figure, axes = subplots(figsize=(7.4, 1.2 + ROW * len(board)))
    columns, fonts = [_spread(each) for each in (board, scored, skill)], fonts_of(names.values())
    for team in board:
        moved = team in movers
        look = {"linewidth": 2.4, "linestyle": "-"} if moved else {"linewidth": 1.0, "linestyle": "--"}
        colour = NAIVE if moved else PALETTE["grey"]
        axes.plot(range(3), [each[team] for each in columns], marker="o", color=colour, **look)
        style = {"va": "center", "fontsize": 9, "weight": "bold" if moved else "normal", "family": fonts}
        name = _literal(names[team])
        axes.text(-0.06, columns[0][team], f"{name}  {board[team]}", ha="right", **style)
        axes.text(2.06, columns[2][team], f"{skill[team]}  {name}", ha="left", **style)
    axes.set(xlim=(-0.9, 2.9), ylim=(len(board) - 0.4, -1.1))
    for at, name in enumerate(("board", "score", "skill")):
        axes.text(at, -0.75, words(f"game.title_{name}"), ha="center", fontsize=10, weight="bold")
    axes.set_axis_off()
    return held(figure, words("game.alt_rankings", count=len(board)), caption)


def _name_rows(axes: Axes, at: npt.NDArray[np.intp], names: Sequence[str]) -> None:
    """Write teams' names beside their rows."""
    axes.set_yticks(at, [_literal(each) for each in names], fontfamily=fonts_of(names))


def _literal(name: str) -> str:
    """A name as it is: its dollar signs set no formula."""
    return name.replace("$", r"\$")


def _spread(places: Mapping[str, int]) -> dict[str, int]:
    """A row for each team, in the order of places."""
    return {team: at for at, team in enumerate(sorted(places, key=lambda each: places[each]))}


def effects(rows: Sequence[tuple[str, float, Advantage]], caption: str, alt: str) -> dict[str, Any]:
    """What each decision added, realised and over other lucks.

    Parameters
    ----------
    rows : sequence of (name, realised, Advantage)
    """
    figure, axes = subplots(figsize=(7.4, 1.3 + 0.36 * len(rows)))
    at = np.arange(len(rows))[::-1]
    low, high = np.array([each.interval for _, _, each in rows]).T / 1e3
    axes.hlines(at, low, high, color=HEADLINE, linewidth=5, alpha=0.35)
    axes.plot(
        [each.expected / 1e3 for _, _, each in rows],
        at,
        "o",
        color=HEADLINE,
        label=words("game.legend_expected"),
    )
    axes.plot(
        [realised / 1e3 for _, realised, _ in rows], at, "D", markerfacecolor="white", markeredgecolor=NAIVE,
        markeredgewidth=1.6, linestyle="none", label=words("game.legend_realised"),
    )  # fmt: skip
    axes.axvline(0, color="#000000", linewidth=1.0)
    axes.set_yticks(at, [name for name, _, _ in rows])
    axes.set(xlabel=words("game.axis_effect"), ylim=(-0.6, len(rows) - 0.4))
    figure.legend(loc="outside upper center", ncols=2, fontsize="small")
    return held(figure, alt, caption)
