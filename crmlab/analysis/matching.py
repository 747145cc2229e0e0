"""Which file holds which sample, and which of its columns is which: by the map, by name, by another name."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crmlab.analysis.files import Source
from crmlab.analysis.names import plain
from crmlab.analysis.needs import Needs, Sample
from crmlab.analysis.reading import Use, wide_use
from crmlab.errors import InputError, check_known, listing

OF_SAMPLE = ("file", "missing", "columns")
AS_IT_IS = "as_it_is"
RULES = "rules"  # by which columns are made of a firm's tables


@dataclass(frozen=True)
class SampleMap:
    """What a map says of a sample.

    Attributes
    ----------
    file : str
        Name of its file, or empty.
    missing : tuple of str
        Cells that mean no answer.
    columns : dict of str to Use
    """

    file: str = ""
    missing: tuple[str, ...] = ()
    columns: Mapping[str, Use] = field(default_factory=dict)


@dataclass(frozen=True)
class Map:
    """What a user's map says.

    Attributes
    ----------
    samples : dict of str to SampleMap
    as_it_is : bool
        Whether all columns are to stay in their units.
    rules : dict of str to value
        By which columns are made of a firm's tables.
    """

    samples: Mapping[str, SampleMap] = field(default_factory=dict)
    as_it_is: bool = False
    rules: Mapping[str, Any] = field(default_factory=dict)

    def of(self, sample: str) -> SampleMap:
        """What it says of a sample."""
        return self.samples.get(sample, SampleMap())


@dataclass(frozen=True)
class Matched:
    """A sample with its file, and the columns that were found in it.

    Attributes
    ----------
    sample : Sample
    source : Source
    uses : dict of str to Use
    missing : tuple of str
    """

    sample: Sample
    source: Source
    uses: Mapping[str, Use]
    missing: tuple[str, ...]


def read_map(given: str | Path | Mapping[str, Any] | None, needs: Needs) -> Map:
    """A map: a TOML file, or its content.

    Raises
    ------
    InputError
        If it is no TOML, or names a sample or column that the theory has not; the known ones are listed.
    """
    if given is None:
        return Map()
    content = given if isinstance(given, Mapping) else _content(Path(given).expanduser())
    everything = bool(content.get(AS_IT_IS, False))
    named = {name: entry for name, entry in content.items() if name not in (AS_IT_IS, RULES)}
    check_known("sample in the map", named, needs.samples)
    samples = {}
    for name, entry in named.items():
        if not isinstance(entry, Mapping):
            raise InputError(f"map: [{name}] must be a table with {', '.join(OF_SAMPLE)}")
        check_known(f"key of [{name}] in the map", entry, OF_SAMPLE)
        columns = {column: each for column, each in entry.get("columns", {}).items() if each != ""}
        check_known(f"column of [{name}] in the map", columns, needs.samples[name].columns)
        uses = {column: wide_use(column, each, "map") for column, each in columns.items()}
        samples[name] = SampleMap(entry.get("file", ""), tuple(map(str, entry.get("missing", []))), uses)
    return Map(samples, everything, dict(content.get(RULES, {})))


def _content(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise InputError(f"map {str(path)!r} is not there; write one by --template") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"map {path.name} is no TOML: {error}") from None


def matched(needs: Needs, sources: Sequence[Source], said: Map) -> list[Matched]:
    """Each sample that has a file, with its columns.

    A file is that of the sample that the map or its name says, or else of the one most of whose columns it
    has.

    Raises
    ------
    InputError
        If a file fits several samples alike or none, or a column is found twice.
    """
    taken: dict[str, Source] = {}
    for source in sources:
        name = _sample_for(source, needs, said)
        if name in taken:
            raise InputError(
                f"{taken[name].name} and {source.name} both look like {name}; say by file in the map which is"
            )
        taken[name] = source
    found = []
    for name, source in taken.items():
        of_map = said.of(name)
        uses = columns_of(needs.samples[name], source, of_map)
        found.append(Matched(needs.samples[name], source, uses, of_map.missing))
    unmet = [
        said.samples[name].file for name in said.samples if said.samples[name].file and name not in taken
    ]
    if unmet:
        raise InputError(
            f"map: file {listing(map(repr, unmet))} was not given; name it on the command line, too"
        )
    return found


def _sample_for(source: Source, needs: Needs, said: Map) -> str:
    if source.sample:
        return source.sample
    for name in needs.samples:
        if said.of(name).file and Path(said.of(name).file).name == source.name:
            return name
    free = [name for name in needs.samples if not said.of(name).file]
    stem = plain(Path(source.name).stem)
    named = [name for name in free if stem in {plain(each) for each in (name, *needs.samples[name].files)}]
    if len(named) == 1:
        return named[0]
    share = {}
    for name in named or free:
        sample = needs.samples[name]
        share[name] = len(columns_of(sample, source, said.of(name))) / len(sample.columns)
    best = max(share.values(), default=0.0)
    if best == 0:
        wanted = "; ".join(f"{name}: {listing(needs.samples[name].columns, 8)}" for name in free)
        raise InputError(
            f"{source.name} has no column that {needs.theory} needs; it has "
            f"{listing(source.frame.columns, 9)}. "
            f"Needed are {wanted}. Say in a map which is which; --template writes one"
        )
    winners = [name for name, each in share.items() if each == best]
    if len(winners) > 1:
        raise InputError(
            f"{source.name} could be {' or '.join(winners)}; say which in the map (file = {source.name!r}) "
            "or name the file so"
        )
    return winners[0]


def columns_of(sample: Sample, source: Source, of_map: SampleMap) -> dict[str, Use]:
    """The columns of a sample that a table has: those of the map, then by name, then by other names.

    Raises
    ------
    InputError
        If the map names a column that is not there, or a name fits several.
    """
    uses = dict(of_map.columns)
    named = [name for use in uses.values() for name in (use.column, *use.mean)]
    check_known(f"column of {source.name} in the map", named, source.frame.columns)
    used = set(named)
    for how in ("name", "alias"):
        for name, need in sample.columns.items():
            if name in uses:
                continue
            wanted = {plain(name)} if how == "name" else {plain(each) for each in need.aliases}
            fits = [each for each in source.frame.columns if each not in used and plain(each) in wanted]
            if len(fits) > 1:
                raise InputError(
                    f"{source.name}: {listing(map(repr, fits))} may each be {name}; say in the map which is"
                )
            if fits:
                uses[name] = Use(fits[0], how=how)
                used.add(fits[0])
    return {name: uses[name] for name in sample.columns if name in uses}
