"""``write_scores``: what `crmlab fit` found of customers, as a file that a CRM system imports."""

import io
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from crmlab.data.exports.cards import Card, card
from crmlab.data.exports.hiding import FORMULA, disarmed_text
from crmlab.errors import InputError, listing, option
from crmlab.files import write_text

TIERS = (("A", 0.2), ("B", 0.3), ("C", 0.5))  # by value: the best fifth, the next three tenths, the rest
COLUMNS = {"p_alive": "probability_alive", "expected_purchases": "expected_purchases", "value": "value"}
HASH = r"[0-9a-f]{64}"


@dataclass(frozen=True)
class Scores:
    """A file of scores that was written.

    Attributes
    ----------
    path : Path
    rows : int
    dropped : dict of str to list of str
        For each reason the first ids that were left out.
    tiers : dict of str to int
        Customers of each tier.
    how : str
        How the system imports the file, as far as is known.
    """

    path: Path
    rows: int
    dropped: dict[str, list[str]]
    tiers: dict[str, int]
    how: str


def write_scores(
    scores: str | Path | pd.DataFrame,
    system: str,
    path: str | Path,
    *,
    keys: str | Path | None = None,
) -> Scores:
    """Write scores as a CSV that a system imports: customer id, P(alive), expected purchases, value, tier.

    Parameters
    ----------
    scores : path or DataFrame
        ``customers.csv`` of `crmlab fit`, or the frame of its customers; ids are its first column or index.
        A column ``tier`` is taken as it is; otherwise A is the fifth of the customers with the highest value,
        B the next three tenths, C the rest.
    system : {"zoho", "fxiaoke", "hubspot", "salesforce"}
    path : str or path
        The file to write.
    keys : path, optional
        What ``crmlab import --keys`` wrote: which hash is which customer.

    Raises
    ------
    InputError
        If columns are missing, ids are hashed and no keys are given, or there are none.
    """
    known = card(system)
    table = _read(scores)
    dropped: dict[str, list[str]] = {}
    table = _with_ids(table, keys, dropped)
    armed = table["id"].map(lambda each: FORMULA.match(each) is not None).astype(bool)
    if armed.any():
        dropped["a spreadsheet would run the id as a formula"] = table.loc[armed, "id"].tolist()
    table = table[~armed]
    if not len(table):
        raise InputError(f"scores hold no customer that could be written ({listing(dropped) or 'no rows'})")
    table = table if "tier" in table else table.assign(tier=_tiers(table))
    out = write_text(path, _text(table, known))
    tiers = {str(name): int(count) for name, count in table["tier"].value_counts().sort_index().items()}
    return Scores(out, len(table), dropped, tiers, known.scores["how"])


def _read(scores: str | Path | pd.DataFrame) -> pd.DataFrame:
    if isinstance(scores, pd.DataFrame):
        table = scores if "customer_id" in scores or scores.index.name is None else scores.reset_index()
        name = "scores"
    else:
        name = str(scores)
        try:
            table = pd.read_csv(scores, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        except (OSError, ValueError) as error:
            raise InputError(f"scores {name!r} cannot be read: {error}") from None
    if "probability_alive" not in table:
        raise InputError(
            f"{name} has no column probability_alive; give customers.csv of crmlab fit; its columns are "
            f"{listing(table.columns)}"
        )
    made = pd.DataFrame({"id": table.iloc[:, 0].astype(str)})
    for new, old in COLUMNS.items():
        if old in table:
            made[new] = _numbers(table[old], old, name)
    if "tier" in table:
        made["tier"] = table["tier"].astype(str).to_numpy()
    return made


def _numbers(texts: pd.Series, column: str, name: str) -> pd.Series:
    numbers = pd.to_numeric(texts.replace("", None), errors="coerce")
    bad = numbers.isna() & texts.notna() & (texts.astype(str) != "")
    bad &= texts.astype(str).str.lower() != "nan"
    if column == "probability_alive":
        bad |= ~numbers.between(0, 1) & numbers.notna()
    if bad.any():
        place = int(bad.to_numpy().argmax())
        raise InputError(f"{name}: column {column} is {texts.iloc[place]!r} in row {place + 2}; fit again")
    return numbers


def _with_ids(table: pd.DataFrame, keys: str | Path | None, dropped: dict[str, list[str]]) -> pd.DataFrame:
    """Scores by the ids that the system knows."""
    if keys is None:
        if len(table) and table["id"].str.fullmatch(HASH).all():
            raise InputError(
                f"the ids are hashed, and no system knows them; give {option('keys')}, the file that crmlab "
                f"import --keys wrote"
            )
        return table
    try:
        held = pd.read_csv(keys, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{option('keys')} {str(keys)!r} cannot be read: {error}") from None
    if list(held) != ["customer_id", "hash"]:
        raise InputError(
            f"{option('keys')} {str(keys)!r} is no file of keys: its columns are {listing(held)}"
        )
    found = table["id"].map(held.set_index("hash")["customer_id"])
    if found.isna().any():
        dropped["not among the keys"] = table.loc[found.isna(), "id"].tolist()
    return table.assign(id=found).dropna(subset=["id"])


def _tiers(table: pd.DataFrame) -> pd.Series:
    """Tiers by value, by expected purchases or by P(alive): the best that there is."""
    by = next(name for name in ("value", "expected_purchases", "p_alive") if name in table)
    ranks = table[by].fillna(float("-inf")).rank(method="first", ascending=False)
    bounds, tiers = 0.0, pd.Series(TIERS[-1][0], table.index)
    for name, share in TIERS[:-1]:
        inside = (ranks > round(bounds * len(table))) & (ranks <= round((bounds + share) * len(table)))
        tiers[inside] = name
        bounds += share
    return tiers


def _text(table: pd.DataFrame, known: Card) -> str:
    labels = known.scores
    shown = pd.DataFrame({labels["id"]: known.id_prefix + table["id"]})
    for name in COLUMNS:
        if name in table:
            shown[labels[name]] = table[name].round(4)
    shown[labels["tier"]] = table["tier"].map(disarmed_text)
    out = io.StringIO()
    shown.to_csv(out, index=False, lineterminator="\r\n")
    return out.getvalue()
