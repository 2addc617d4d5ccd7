"""What a missing package is answered with: an extra or a package that exists."""

import importlib.util
import re
import tomllib

import pytest

from diagnosis.errors import MissingDependencyError
from diagnosis.extras import EXTRAS, require_extra

REMEDY = re.compile(r"pip install (?:[\"']?(?:diagnosis|\.)\[(?P<extras>[\w,]+)\]|(?P<package>[\w-]+)==)")


@pytest.fixture(scope="module")
def project(checkout):
    return tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def names_in(requirements):
    return {re.match(r"[\w.-]+", requirement)[0] for requirement in requirements}


def test_the_extras_asked_for_are_those_of_the_project(project):
    for extra, packages in EXTRAS.items():
        assert set(packages.values()) == names_in(project["optional-dependencies"][extra]), extra


def test_each_module_asked_for_is_that_of_its_package():
    for module in (module for packages in EXTRAS.values() for module in packages):
        assert importlib.util.find_spec(module) is not None, module


def test_every_remedy_names_an_extra_or_a_package_of_the_project(checkout, project):
    extras = project["optional-dependencies"]
    packages = names_in([*project["dependencies"], *(one for group in extras.values() for one in group)])
    found = []
    for path in [*checkout.glob("diagnosis/**/*.py"), *checkout.glob("clinician_ui/**/*.py"), *checkout.rglob("*.md")]:
        for match in REMEDY.finditer(path.read_text(encoding="utf-8")):
            found.append(match[0])
            assert set((match["extras"] or "").split(",")) - {""} <= set(extras), (path.name, match[0])
            assert match["package"] is None or match["package"] in packages, (path.name, match[0])
            # By the name of the project alone, a machine without it would be given a stranger's package.
            assert "diagnosis[" not in match[0], path.name
    assert len(found) > 10


@pytest.mark.parametrize("extra", EXTRAS)
def test_what_is_missing_is_named_with_its_extra(monkeypatch, extra):
    module, package = list(EXTRAS[extra].items())[-1]
    require_extra(extra, "this job")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == module else name)
    with pytest.raises(
        MissingDependencyError, match=rf'^this job: {package} is not installed; run pip .*"\.\[{extra}\]"$'
    ):
        require_extra(extra, "this job")
