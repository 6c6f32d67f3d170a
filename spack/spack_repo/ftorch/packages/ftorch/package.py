# SPDX-License-Identifier: MIT
# Spack recipe of FTorch.

from spack_repo.builtin.build_systems.cmake import CMakePackage
from spack_repo.builtin.build_systems.cuda import CudaPackage
from spack_repo.builtin.build_systems.python import PythonPipBuilder

from spack.package import *


class Ftorch(CMakePackage, CudaPackage):
    """FTorch runs PyTorch inside Fortran programs: inference, and above all training
    while the Fortran model runs."""

    homepage = "https://github.com/ftorch/ftorch"
    git = f"{homepage}.git"

    license("MIT")

    version("main", branch="main")

    variant("shared", default=True, description="Build a shared library")
    variant("mpi", default=False, description="Build the component for many processes")
    variant("tools", default=False, description="Install the command-line tools")

    depends_on("c", type="build")
    depends_on("cxx", type="build")
    depends_on("fortran", type="build")
    depends_on("cmake@3.21:", type="build")
    depends_on("python@3.10:", type="build")
    depends_on("py-fypp", type="build")
    depends_on("nlohmann-json@3.11:", type="build")

    depends_on("py-torch@2.9:", type=("build", "link", "run"))
    depends_on("py-torch~cuda", when="~cuda")
    depends_on("py-torch+cuda", when="+cuda")
    for _arch in CudaPackage.cuda_arch_values:
        depends_on(f"py-torch cuda_arch={_arch}", when=f"+cuda cuda_arch={_arch}")

    depends_on("mpi", when="+mpi")

    with when("+tools"):
        extends("python")
        depends_on("py-scikit-build-core@0.10:", type="build")
        depends_on("py-pip", type="build")
        with default_args(type="run"):
            depends_on("cmake@3.21:")
            depends_on("py-fastjsonschema@2.16:")
            depends_on("py-jinja2@3.1:")
            depends_on("py-packaging@21:")
            depends_on("py-platformdirs@3.0:")
            depends_on("py-psutil@5.9:")
            depends_on("py-pyelftools@0.29:")
            depends_on("py-pytest@7.4:")
            depends_on("py-pytest-timeout@2.2:")
            depends_on("py-pytest-xdist@3.2:")
            depends_on("py-rich@13:")
            depends_on("py-typer@0.12:")
            # typer before 0.16 calls click as it was before 8.2.
            depends_on("py-click@:8.1", when="^py-typer@:0.15")

    conflicts("%cxx=gcc@:9", msg="FTorch is written in C++20")
    conflicts(
        "cuda_arch=none",
        when="+cuda",
        msg="PyTorch is compiled for given GPUs: name theirs, for example cuda_arch=90",
    )

    # The validation suite is compiled where there is no compiler wrapper.
    filter_compiler_wrappers("compiler.cmake", relative_root="share/ftorch/validation/cmake")

    def cmake_args(self):
        return [
            self.define_from_variant("BUILD_SHARED_LIBS", "shared"),
            self.define_from_variant("FTORCH_MPI", "mpi"),
            self.define("FTORCH_BUILD_TESTS", self.run_tests),
            self.define("FTORCH_BUILD_EXAMPLES", False),
        ]

    def check(self):
        with working_dir(self.build_directory):
            ctest("--output-on-failure", f"-j{make_jobs}", "--no-tests=error", "-L", "unit")

    @run_after("install")
    def install_tools(self):
        if self.spec.satisfies("+tools"):
            with working_dir(self.stage.source_path):
                pip(*PythonPipBuilder.std_args(self), f"--prefix={self.prefix}", ".")

    def test_validation(self):
        """compile and run the installed validation suite"""
        cmake = self.spec["cmake"].command
        ctest = which("ctest", path=self.spec["cmake"].prefix.bin, required=True)
        settings = [
            self.define("CMAKE_PREFIX_PATH", self.prefix),
            self.define("CMAKE_Fortran_COMPILER", self["fortran"].fortran),
        ]
        if self.spec.satisfies("+mpi"):
            settings.append(self.define("MPI_HOME", self.spec["mpi"].prefix))
        cmake("-S", self.prefix.share.ftorch.validation, "-B", "build", *settings)
        cmake("--build", "build")
        with working_dir("build"):
            ctest("--output-on-failure", "--no-tests=error")

    def test_tools(self):
        """run the command-line tools"""
        if self.spec.satisfies("~tools"):
            raise SkipTest("built without +tools")
        ftorch_test = which("ftorch-test", path=self.prefix.bin, required=True)
        assert "ftorch-test" in ftorch_test("--version", output=str)
