"""Generates clients, starts the servers, and runs one flow of every published API through its client."""

import argparse
import importlib
import os
import pathlib
import sys
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import generate  # noqa: E402
from lab import Lab  # noqa: E402


def run_flows(lab, apis):
    """How many flows failed."""
    failed = 0
    for name in apis:
        try:
            module = importlib.import_module(f"flows.{generate.package(name)}")
        except ModuleNotFoundError:
            print(f"FAIL {name}: published without a flow, write tests/clients/flows/{generate.package(name)}.py")
            failed += 1
            continue
        try:
            module.flow(lab.api(name))
            print(f"ok   {name}")
        except Exception:
            traceback.print_exc()
            print(f"FAIL {name}")
            failed += 1
    return failed


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--api", nargs="*", help="only these, such as eees-easdiscovery")
    arguments.add_argument("--keep", action="store_true", help="use the clients generated before")
    chosen = arguments.parse_args()
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target")).resolve()
    work = target / "clients"
    apis = chosen.api or generate.names()
    began = time.monotonic()
    if not chosen.keep:
        generate.generate(work)
        print(f"generated clients of {len(generate.names())} APIs in {time.monotonic() - began:.0f} s")
    with Lab(target / "debug", work) as lab:
        failed = run_flows(lab, apis)
    print(f"{'FAIL' if failed else 'ok'}: {failed} failed, {time.monotonic() - began:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
