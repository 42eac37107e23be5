"""Every public name says what it is, and the examples hold."""

import doctest
import inspect

import callbox
import pytest

NAMES = [name for name in callbox.__all__ if callable(getattr(callbox, name))]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_and_its_methods_are_documented_with_examples_that_hold(name):
    found = getattr(callbox, name)
    assert inspect.getdoc(found)
    if inspect.isclass(found) and not issubclass(found, Exception):
        for method, member in vars(found).items():
            assert method.startswith("_") or inspect.getdoc(member), f"{name}.{method}"
    runner = doctest.DocTestRunner()
    for test in doctest.DocTestFinder().find(found, name, module=False, globs={"callbox": callbox}):
        runner.run(test)
    assert runner.summarize().failed == 0
