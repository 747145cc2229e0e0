"""pyproject.toml, environment.yml and the locks say the same; the wheel carries the lessons."""

import ast
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import types
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from rattler import MatchSpec, Version, VersionSpec

import crmlab
from crmlab.cli.creating import templates

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
# Folders of a person's computer, this checkout's own, and hosts of package registries.
MACHINE = re.compile(
    r"(?<![\w.])/(?:home|Users)/\w+/|(?<![\w.])/roo[t]/[\w.]|"
    + re.escape(f"{ROOT}")
    + r"|(?:python"
    + r"hosted\.org|pypi\.org/simple|registry\.npmjs|conda\.anaconda\.org|jfrog\.io)"
)
EXAMPLES = ["/ho" + "me/me/"]  # in the lint's own test

# Where conda-forge's name is not PyPI's.
CONDA_NAMES = {
    "duckdb": "python-duckdb",
    "jupyter-client": "jupyter_client",
    "jupyter-core": "jupyter_core",
    "matplotlib": "matplotlib-base",
}


def requirements(lines):
    """{name: requirement} of requirement lines."""
    parsed = [Requirement(line) for line in lines]
    return {canonicalize_name(each.name): each for each in parsed}


RUN = requirements(PROJECT["project"]["dependencies"])
BUILD = requirements(PROJECT["dependency-groups"]["build"])
EXTRAS = {name: requirements(lines) for name, lines in PROJECT["project"]["optional-dependencies"].items()}


# The locks --------------------------------------------------------------------------------------------


def read_lock(name):
    """A lock's pins: [(requirement, hashes)]."""
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    pins = []
    for line in text.splitlines():
        words, *hashes = re.split(r"\s+--hash=", line.strip())
        pins.append((Requirement(words), hashes))
    return pins


def versions(lock):
    """{name: {locked versions}}; more than one where systems differ."""
    found = {}
    for requirement, _ in read_lock(lock):
        (specifier,) = requirement.specifier
        found.setdefault(canonicalize_name(requirement.name), set()).add(specifier.version)
    return found


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-test.lock"])
def test_a_lock_holds_exact_versions_with_hashes_and_no_address(lock):
    pins = read_lock(lock)
    assert len(pins) > 100
    for requirement, hashes in pins:
        assert [each.operator for each in requirement.specifier] == ["=="], f"{requirement} is not pinned"
        assert hashes, f"{requirement} has no hash"
        assert all(re.fullmatch("sha256:[0-9a-f]{64}", each) for each in hashes), requirement
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert not re.search(r"://|\s@\s|^\s*(-i|-f|--[a-z-]*(index|find-links))", text, re.MULTILINE)


def test_the_locks_satisfy_pyproject():
    wanted = {
        "requirements.lock": [RUN, BUILD],
        "requirements-test.lock": [
            RUN,
            BUILD,
            EXTRAS["cluster"],
            EXTRAS["data"],
            EXTRAS["zh"],
            EXTRAS["test"],
        ],
    }
    for lock, groups in wanted.items():
        locked = versions(lock)
        for requirement in (each for group in groups for each in group.values()):
            name = canonicalize_name(requirement.name)
            assert name in locked, f"{name} is not in {lock}; write the locks anew: python3 lab.py lock"
            for version in locked[name]:
                assert requirement.specifier.contains(version), f"{lock} has {version}, not {requirement}"


def test_the_test_lock_holds_the_run_lock():
    run, test = versions("requirements.lock"), versions("requirements-test.lock")
    assert {name: test.get(name) for name in run} == run


def test_the_build_backend_is_in_the_lock():
    """Else the editable install, which must not reach for the network, would have to."""
    (backend,) = PROJECT["build-system"]["requires"]
    assert requirements([backend]).keys() <= BUILD.keys()
    assert BUILD["hatchling"].specifier == Requirement(backend).specifier


# conda ------------------------------------------------------------------------------------------------


def conda_environment():
    """environment.yml as (environment, conda specs by name, pip requirements by name, other pip lines)."""
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    specs, pip = {}, []
    for each in environment["dependencies"]:
        if isinstance(each, dict):
            pip += each["pip"]
        else:
            spec = MatchSpec(each)
            specs[spec.name.normalized] = spec
    options = [line for line in pip if line.startswith("-")]
    return environment, specs, requirements(line for line in pip if line not in options), options


def test_environment_yml_installs_from_conda_forge_and_the_checkout():
    environment, _, _, others = conda_environment()
    assert environment.keys() == {"name", "channels", "dependencies"}
    assert (environment["name"], environment["channels"]) == ("crmlab", ["conda-forge"])
    assert others == ["--editable ."]


def test_environment_yml_names_the_dependencies_of_pyproject():
    _, specs, by_pip, _ = conda_environment()
    wanted = {CONDA_NAMES.get(name, name) for name in [*RUN, *BUILD] if name not in by_pip} | {"python"}
    assert specs.keys() == wanted
    assert by_pip.keys() <= RUN.keys()


def test_environment_yml_bounds_mean_what_those_of_pyproject_mean():
    """Asked about the bounds themselves, their neighbours and the locked versions, both answer alike."""
    _, specs, by_pip, _ = conda_environment()
    locked = versions("requirements.lock")
    python = Requirement(f"python{PROJECT['project']['requires-python']}")
    for name, requirement in {**RUN, **BUILD, "python": python}.items():
        if name in by_pip:
            assert by_pip[name].specifier == requirement.specifier
            continue
        spec = specs[CONDA_NAMES.get(name, name)]
        assert spec.version, f"{name} has no bound in environment.yml"
        conda = VersionSpec(spec.version)
        probes = {"0", "0.0.1", "99999", *locked.get(name, ())}
        for bound in re.findall(r"\d[\d.]*", f"{requirement.specifier} {spec.version}"):
            probes |= {bound, f"{bound}.1", just_below(bound)}
        for version in probes:
            assert conda.matches(Version(version)) == requirement.specifier.contains(version), (
                f"{name} {version}: environment.yml says {spec}, pyproject.toml {requirement}"
            )


def just_below(version):
    """A version a little older: 2.2 -> 2.1.99, 8.0 -> 7.99."""
    numbers = [int(each) for each in version.strip(".").split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return ".".join(map(str, [*numbers[:-1], numbers[-1] - 1, 99])) if numbers else "0"


@pytest.mark.parametrize("version, below", [("2.2", "2.1.99"), ("8.0", "7.99"), ("0.14.5", "0.14.4.99")])
def test_just_below(version, below):
    assert just_below(version) == below


# What is imported -------------------------------------------------------------------------------------


def imports(folder):
    """{third-party top-level module: a file that imports it}."""
    found = {}
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules = [each.name for each in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                modules = [node.module]
            else:
                continue
            found |= {module.partition(".")[0]: path for module in modules}
    ours = (
        sys.stdlib_module_names | {"crmlab", "tests", "conftest"} | {path.stem for path in ROOT.glob("*.py")}
    )
    return {module: path for module, path in found.items() if module not in ours}


@pytest.mark.parametrize(
    "folder, declared",
    [
        ("crmlab", {*RUN, *EXTRAS["cluster"], *EXTRAS["data"]}),
        ("tests", {*RUN, *BUILD, *EXTRAS["cluster"], *EXTRAS["data"], *EXTRAS["spark"], *EXTRAS["test"]}),
    ],
)
def test_what_is_imported_is_declared(folder, declared):
    distributions = packages_distributions()
    for module, path in imports(ROOT / folder).items():
        names = {canonicalize_name(name) for name in distributions.get(module, [module])}
        assert names & declared, f"{path.relative_to(ROOT)} imports {module}; pyproject.toml does not name it"


# The wheel and the source archive ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Build what would be published; returns the files of the wheel, and those of the source archive."""
    out = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-d", str(out)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,), (source,) = out.glob("*.whl"), out.glob("*.tar.gz")
    return wheel, source


def kept(folder):
    """The files of a folder that git keeps or would keep, relative to the checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return {name for name in listed.split("\0") if name and (ROOT / name).is_file()}


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a git checkout")
def test_the_wheel_carries_the_package_the_lessons_and_nothing_else(built):
    names = {name for name in zipfile.ZipFile(built[0]).namelist() if ".dist-info/" not in name}
    home = kept("notebooks") | kept("exercises") | kept("datasets")
    assert names == kept("crmlab") | {f"crmlab/home/{name}" for name in home}
    assert any(name.startswith("crmlab/home/datasets/") for name in names)


def test_the_installed_wheel_finds_its_lessons(built, tmp_path):
    zipfile.ZipFile(built[0]).extractall(tmp_path)
    ask = (
        "import crmlab; from crmlab.places import lessons, root\n"
        "print(crmlab.__file__, root(), *[lesson.stem for lesson in lessons()])"
    )
    environment = {name: value for name, value in os.environ.items() if name != "CRMLAB_HOME"}
    answer = subprocess.run(
        [sys.executable, "-c", ask],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**environment, "PYTHONPATH": str(tmp_path)},
    )
    assert answer.returncode == 0, answer.stderr
    package, home, *stems = answer.stdout.split()
    assert Path(package).is_relative_to(tmp_path.resolve())
    assert Path(home) == (tmp_path / "crmlab" / "home").resolve()
    assert stems and set(stems) == {path.stem for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")}


def test_the_source_archive_is_the_project(built):
    with tarfile.open(built[1]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    top = {name.partition("/")[0] for name in names}
    assert top >= {
        "crmlab",
        "notebooks",
        "exercises",
        "datasets",
        "tests",
        "lab.py",
        "requirements.lock",
        "requirements-test.lock",
        "environment.yml",
        "pyproject.toml",
        "LICENSE",
        "README.md",
    }
    assert not top & {".venv", ".git", "build", "dist"}


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a git checkout")
def test_no_file_names_this_machine_or_a_registry():
    """Neither a path of a person's computer nor the host that packages were fetched from; see `MACHINE`."""
    named = {}
    for name in kept("."):
        content = (ROOT / name).read_bytes()
        found = set() if b"\0" in content[:8000] else set(MACHINE.findall(content.decode(errors="replace")))
        if found - set(EXAMPLES):
            named[name] = found
    assert named == {}


def test_a_path_or_a_registry_would_be_found():
    seen = [
        "/ho" + "me/ana/crmlab",
        "/Us" + "ers/ana/",
        "/ro" + "ot/.venv",
        "https://files.python" + "hosted.org/x",
    ]
    assert [bool(MACHINE.search(each)) for each in [*seen, str(ROOT), "crmlab/home/x"]] == [True] * 5 + [
        False
    ]


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-test.lock"])
def test_a_lock_holds_no_address(lock):
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert not re.search(r"://|\s@\s|--(extra-)?index-url|--find-links|--trusted-host", text)


# Words ------------------------------------------------------------------------------------------------


def test_version_and_licence_agree_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == PROJECT["project"]["version"] == crmlab.__version__
    assert citation["license"] == PROJECT["project"]["license"] == "MIT"
    assert "The crmlab authors" in (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_continuous_integration_runs_the_readme_s_command():
    assert "python3 lab.py test" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "\npython3 lab.py test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_files_named_in_the_documents_exist():
    for document in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / document).read_text(encoding="utf-8")
        text = re.sub(r"^```.*?^```|`[^`\n]*`", "", text, flags=re.MULTILINE | re.DOTALL)  # brackets of code
        for target in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (ROOT / target).exists(), f"{document} points at {target}"


def examples(document):
    """The Python of a document that is followed by what it prints, and that."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return re.findall(r"^```python\n([^`]*?)^```\n\n```text\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_readme_s_examples_print_what_they_show(capsys):
    found = examples("README.md")
    assert len(found) > 1
    for code, shown in found:
        exec(code, {})
        assert capsys.readouterr().out == shown


def test_the_theory_that_contributing_has_written_works(monkeypatch):
    """CONTRIBUTING's first command, ``crmlab new 20_trust``: what it writes is a design that is sound."""
    assert "crmlab new 20_trust" in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    texts = templates("20", "trust", "Trust and commitment")
    code = next(text for path, text in texts.items() if path.suffix == ".py")
    module = types.ModuleType("trust")
    monkeypatch.setitem(sys.modules, "trust", module)  # where dataclass looks
    exec(code, module.__dict__)
    diagnosis = module.design.vary(preset=["null", "literature", "claim", "trap"]).diagnose(sims=200, seed=1)
    rate = {(row.preset, row.estimator): row.rejection_rate for row in diagnosis.table.itertuples()}
    assert rate["null", "adjusted"] < 0.12 and rate["trap", "adjusted"] < 0.12
    assert rate["literature", "adjusted"] > 0.9 and rate["trap", "naive"] > 0.9
