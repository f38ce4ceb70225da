"""Run the generated unit tests beside the live demo: ``python -m meshscope.demo.proofs HOUSE``.

They take more time than all else, and nothing waits for them, so they take only what nobody else needs. The answer is
one line of JSON: how many passed, and the names of those that did not, or who was not there to run them.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from meshscope.build.options import Options
from meshscope.wiring.assembly import assembled
from meshscope.wiring.checking import tested

_LAST = 19


def main() -> None:
    """Run the tests of the house that is named."""
    os.nice(_LAST)
    report = tested(assembled(Path(sys.argv[1]), None, Options()), lambda _: None)
    cases = [case for judged in report.judged for case in judged.cases]
    failed = [f"{case.path}: {case.name}" for case in cases if case.failed]
    absent = [f"{one.name} is {one.why}" for one in report.absent]
    answer = {"passed": len(cases) - len(failed), "failed": failed + absent}
    print(json.dumps(answer), flush=True)  # noqa: T201 - the answer to our parent


if __name__ == "__main__":
    main()
