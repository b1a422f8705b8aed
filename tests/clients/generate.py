"""Generates a Python client for every published document, all in one run of the generator."""

import pathlib
import shutil
import subprocess
import sys

import yaml

PUBLISHED = pathlib.Path(__file__).resolve().parents[2] / "openapi" / "published"


# The folders with documents of an EES and an ECS: those of EDGEAPP, and those of an EASDF.
FOLDERS = (PUBLISHED, PUBLISHED / "easdf")


def names():
    """The names of all published APIs of an EES and an ECS."""
    return sorted(file.stem for folder in FOLDERS for file in folder.glob("*.yaml"))


def capif():
    """The names of the APIs of CAPIF, whose documents stand in a folder of their own."""
    return sorted(file.stem for file in (PUBLISHED / "capif").glob("*.yaml"))


def document(api):
    """The published document of an API."""
    files = [folder / f"{api}.yaml" for folder in (*FOLDERS, PUBLISHED / "capif")]
    return next(file for file in files if file.exists())


def package(api):
    """The name of an API where no hyphen is allowed."""
    return api.replace("-", "_")


def _plan(api, out):
    return {
        "generatorName": "python",
        "inputSpec": str(document(api)),
        "outputDir": str(out / "python" / api),
        "additionalProperties": {"packageName": package(api), "library": "urllib3"},
        "globalProperties": {"apiTests": False, "modelTests": False, "apiDocs": False, "modelDocs": False},
    }


def generate(out):
    """Leaves the clients in `out`/python, one folder per API."""
    shutil.rmtree(out / "python", ignore_errors=True)
    plans = out / "plans"
    shutil.rmtree(plans, ignore_errors=True)
    plans.mkdir(parents=True)
    files = []
    for api in names() + capif():
        file = plans / f"{api}.yaml"
        file.write_text(yaml.safe_dump(_plan(api, out)))
        files.append(str(file))
    generator = pathlib.Path(sys.executable).parent / "openapi-generator-cli"
    command = [generator, "batch", "--fail-fast", "--threads", "2", *files]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=240)
    log = out / "generate.log"
    log.write_text(done.stdout)
    if done.returncode != 0 or " ERROR " in done.stdout or "[SUCCESS]" not in done.stdout:
        sys.exit(f"the generator is not content, see {log}:\n{done.stdout[-3000:]}")
