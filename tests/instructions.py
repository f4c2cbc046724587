#!/usr/bin/python3
"""Counts what each part of a charge costs, in instructions of this processor under callgrind, and holds that against
the committed baseline: a slow-down is seen without timing anything.

    instructions.py COUNT_PARTS BASELINE [--update]

Only for release builds. --update writes the baseline anew: when a change of it is meant, commit it with its reason.
"""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

MARGIN = 0.08  # between machines: libc and libsodium choose other routines on other processors


def counts(program):
    with tempfile.TemporaryDirectory(prefix="ledgerline-instructions-") as folder:
        command = ["valgrind", "--tool=callgrind", "--instr-atstart=no",
                   f"--callgrind-out-file={folder}/parts", program]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
        times = {name: int(number) for name, number in re.findall(r"^(\w+) (\d+)$", done.stdout, re.M)}
        totals = {}
        for path in glob.glob(os.path.join(folder, "parts.*")):
            with open(path, encoding="utf-8") as dump:
                text = dump.read()
            name = re.search(r"^desc: Trigger: Client Request: (\w+)$", text, re.M)
            total = re.search(r"^(?:totals|summary): (\d+)$", text, re.M)
            if name and total:
                totals[name[1]] = int(total[1])
    if not times or times.keys() != totals.keys():
        sys.exit(f"parts ran: {sorted(times)}; counted: {sorted(totals)}")
    return {name: round(totals[name] / times[name]) for name in times}


def main():
    program, baseline_path = sys.argv[1:3]
    now = counts(program)
    if "--update" in sys.argv:
        with open(baseline_path, "w", encoding="utf-8") as file:
            json.dump(now, file, indent=4)
            file.write("\n")
        return 0
    with open(baseline_path, encoding="utf-8") as file:
        baseline = json.load(file)
    if now.keys() != baseline.keys():
        sys.exit(f"parts {sorted(now)}, in the baseline {sorted(baseline)}")
    failed = False
    print(f"{'instructions per request':26}{'baseline':>10}{'now':>10}")
    for name, count in now.items():
        change = count / baseline[name] - 1
        verdict = "" if abs(change) <= MARGIN else "  SLOWER" if change > 0 else "  faster: lower the baseline"
        failed = failed or bool(verdict)
        print(f"{name:26}{baseline[name]:10}{count:10}{change:+9.1%}{verdict}")
    if failed:
        print(f"If that is meant: {' '.join(sys.argv)} --update, and commit it.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
