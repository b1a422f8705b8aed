"""Generates clients, starts the servers, runs one flow of every published API through its client, and fuzzes."""

import argparse
import importlib
import os
import pathlib
import sys
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import fuzz  # noqa: E402
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


def run_walk(lab, name, what):
    """How many walks through something that is not one API failed."""
    try:
        importlib.import_module(f"flows.{name}").flow(lab)
        print(f"ok   {what}")
        return 0
    except Exception:
        traceback.print_exc()
        print(f"FAIL {what}")
        return 1


def run_fuzz(lab, apis, examples):
    """How many APIs answered something undocumented."""
    failed = 0
    for name in apis:
        began = time.monotonic()
        wrong, sent = fuzz.fuzz(lab, name, examples, seconds=6)
        wrong += fuzz.examples(lab, name)
        print(f"{'FAIL' if wrong else 'ok  '} {name}: {sent} made-up requests in {time.monotonic() - began:.0f} s")
        for text in wrong:
            print("    " + text.replace("\n", "\n    "))
        failed += bool(wrong)
    return failed


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--api", nargs="*", help="only these, such as eees-easdiscovery")
    arguments.add_argument("--keep", action="store_true", help="use the clients generated before")
    arguments.add_argument("--examples", type=int, default=25, help="made-up requests per operation and door; 0 for none")
    chosen = arguments.parse_args()
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target")).resolve()
    work = target / "clients"
    apis = chosen.api or generate.names()
    began = time.monotonic()
    if not chosen.keep:
        generate.generate(work)
        print(f"generated clients of {len(generate.names() + generate.capif())} APIs in {time.monotonic() - began:.0f} s")
    with Lab(target / "debug", work) as lab:
        failed = run_flows(lab, apis)
        if not chosen.api:
            failed += run_walk(lab, "capif", f"CAPIF, {len(generate.capif())} APIs")
            failed += run_walk(lab, "names", "names over TLS")
        if chosen.examples:
            failed += run_fuzz(lab, apis, chosen.examples)
    print(f"{'FAIL' if failed else 'ok'}: {failed} failed, {time.monotonic() - began:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
