"""The ledger in words, for a terminal."""

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from crmlab.claims.ledger import Claim
from crmlab.words import words


def matching(
    table: pd.DataFrame, wanted: Sequence[str], lessons: Sequence[str] | None = None
) -> pd.DataFrame:
    """Rows that hold all the words, in any column and any case, of these lessons."""
    texts = [" ".join(map(str, row)).lower() for row in table.astype(object).fillna("").to_numpy()]
    found = [all(each.lower() in text for each in wanted) for text in texts]
    kept = pd.Series(found, table.index, dtype=bool)
    if lessons is not None:
        kept &= table["lesson"].isin([lesson.zfill(2) for lesson in lessons])
    return table[kept]


def told(table: pd.DataFrame) -> list[str]:
    """One text a claim: what it means, its tests with their numbers, the evidence."""
    groups = table.groupby(["source", "quote"], sort=False)
    return ["\n".join(_lines(rows)) for _, rows in groups]


def counted(claims: Sequence[Claim]) -> str:
    """How many claims there are of each status."""
    found = Counter(claim.status for claim in claims)
    return words(
        "claims.counted",
        claims=len(claims),
        tested=found["tested"],
        audited=found["audited"],
        untestable=found["not testable"],
        coming=found["lesson to come"],
    )


def _lines(rows: pd.DataFrame) -> list[str]:
    first = rows.iloc[0]
    lines = [words("claims.entry", quote=first["quote"], source=first["source"], meaning=first["meaning"])]
    if first["answer"]:
        lines.append(words("claims.line_answer", answer=first["answer"]))
    for _, row in rows.iterrows():
        if isinstance(row["hypothesis"], str):
            lines.append(words("claims.line_tested", hypothesis=row["hypothesis"], tested=row["tested"]))
            lines += [f"  {line}" for line in number_lines(row)]
    if first["evidence"] and first["status"] != "not testable":
        lines.append(words("claims.line_evidence", evidence=first["evidence"]))
    if first["status"] == "not testable":
        lines.append(words("claims.line_reason", reason=first["reason"]))
    if first["status"] == "lesson to come":
        lines.append(words("claims.line_coming"))
    return lines


def number_lines(row: pd.Series) -> list[str]:
    """What repeated simulation says of one test, a sentence a number."""
    worlds = [world for world in ("null", "trap") if pd.notna(row[f"size_{world}"])]
    lines = [_line("size", row, f"size_{world}", world=f"preset {world}") for world in worlds]
    if pd.notna(row["power"]):
        customers = f"{row['customers']:,.0f}" if pd.notna(row["customers"]) else "–"
        lines.append(_line("power", row, "power", customers=customers, type_m=row["type_m"]))
    if pd.notna(row["naive_confirms"]):
        lines.append(_line("naive", row, "naive_confirms", naive=row["naive"], world=row["naive_in"]))
    if pd.notna(row["holds_in"]):
        lines.append(_line("number", row, "holds_in"))
    return lines


def _line(kind: str, row: pd.Series, column: str, **values: object) -> str:
    return words(f"claims.line_{kind}", share=row[column], error=row[f"{column}_mcse"], **values)
