# SPDX-License-Identifier: MIT
"""The recipe agrees with the build files of the project, and what Spack's reviewers ask for."""

from __future__ import annotations

import ast
import re

import pytest
from stand_ins import CudaPackage


def declared(directives, name, **options):
    """First arguments of the directives of a name that have all these options."""
    return [
        directive.arguments[0]
        for directive in directives
        if directive.name == name and options.items() <= directive.options.items()
    ]


def required(root, key):
    """Python packages in a list of pyproject.toml, as Spack spells them."""
    text = (root / "pyproject.toml").read_text()
    (listed,) = re.findall(rf"^{key} = \[(.*?)\]$", text, re.M | re.S)
    return {f"py-{name}@{bound}:" for name, bound in re.findall(r'"([\w-]+)>=([\d.]+)"', listed)}


def numbers(version):
    """A version that can be compared."""
    return [int(part) for part in version.split(".")]


def test_parses_on_the_oldest_python_of_spack(root):
    recipes = list((root / "spack").rglob("package.py"))
    assert recipes
    for path in recipes:
        ast.parse(path.read_text(), feature_version=(3, 6))


def test_languages(root, directives):
    text = (root / "CMakeLists.txt").read_text()
    languages = re.search(r"project\(FTorch [^)]*LANGUAGES ([^)]*)\)", text)[1].lower().split()
    assert set(languages) <= set(declared(directives, "depends_on", type="build"))


@pytest.mark.parametrize(
    ("package", "file", "pattern"),
    [
        ("cmake", "CMakeLists.txt", r"cmake_minimum_required\(VERSION (\d+\.\d+)"),
        ("py-torch", "CMakeLists.txt", r"find_package\(LibTorch (\d+\.\d+)"),
        ("python", "cmake/FTorchFypp.cmake", r"find_package\(Python3 (\d+\.\d+)"),
    ],
)
def test_lower_bounds(root, directives, package, file, pattern):
    bound = re.search(pattern, (root / file).read_text())[1]
    bounds = [
        name for name in declared(directives, "depends_on") if name.startswith(f"{package}@")
    ]
    assert set(bounds) == {f"{package}@{bound}:"}


def test_cuda_is_that_of_pytorch(directives):
    assert "py-torch~cuda" in declared(directives, "depends_on", when="~cuda")
    assert "py-torch+cuda" in declared(directives, "depends_on", when="+cuda")
    for value in CudaPackage.cuda_arch_values:
        given = declared(directives, "depends_on", when=f"+cuda cuda_arch={value}")
        assert given == [f"py-torch cuda_arch={value}"]
    assert declared(directives, "conflicts", when="+cuda") == ["cuda_arch=none"]


def test_mpi_is_a_choice(directives):
    assert declared(directives, "depends_on", when="+mpi") == ["mpi"]
    assert declared(directives, "variant", default=False).count("mpi") == 1


def test_conflicts_have_reasons(directives):
    assert all(entry.options.get("msg") for entry in directives if entry.name == "conflicts")


def test_tools_need_what_the_python_package_needs(root, directives):
    run = declared(directives, "depends_on", when="+tools", type="run")
    assert {name for name in run if name.startswith("py-")} == required(root, "dependencies")
    build = declared(directives, "depends_on", when="+tools", type="build")
    assert set(build) == {*required(root, "requires"), "py-pip"}
    assert declared(directives, "extends", when="+tools") == ["python"]


def test_versions_were_released(root, directives):
    text = (root / "CMakeLists.txt").read_text()
    project = re.search(r"project\(FTorch VERSION ([\d.]+)", text)[1]
    changelog = (root / "CHANGELOG.md").read_text()
    assert declared(directives, "version", branch="main") == ["main"]
    for version in set(declared(directives, "version")) - {"main"}:
        assert numbers(version) <= numbers(project)
        assert f"\n## {version} " in changelog


def test_nothing_sets_the_environment(recipe):
    assert not [name for name in vars(recipe) if re.fullmatch("setup_.*environment", name)]


def test_stand_alone_tests_say_what_they_do(recipe):
    tests = [value for name, value in vars(recipe).items() if name.startswith("test_")]
    assert tests
    assert all(test.__doc__ for test in tests)


def test_index_and_environments_name_the_repository(root):
    (folder,) = re.findall(r"^ *- (\S+)$", (root / "spack-repo-index.yaml").read_text(), re.M)
    assert re.search(r"^  namespace: ftorch$", (root / folder / "repo.yaml").read_text(), re.M)
    environments = list((root / "spack" / "environments").glob("*/spack.yaml"))
    assert environments
    for environment in environments:
        (repository,) = re.findall(r"^    ftorch: (\S+)$", environment.read_text(), re.M)
        assert (environment.parent / repository).resolve() == root / folder
