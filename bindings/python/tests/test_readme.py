"""The five lines of the repository's README."""

import re

import pytest
from conftest import ROOT


def test_the_lines_of_the_readme_do_what_they_say(tmp_path, monkeypatch, capsys):
    numpy = pytest.importorskip("numpy")
    text = (ROOT / "README.md").read_text()
    (guest,) = re.findall(r"cat > shorter\.wat <<'END'\n(.*?)END\n", text, re.DOTALL)
    (program,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (tmp_path / "shorter.wat").write_text(guest)
    monkeypatch.chdir(tmp_path)
    exec(program, {"column": numpy.array(["longest", "long"])})
    (promised,) = re.findall(r"# (\[.*\])\n", program)
    assert capsys.readouterr().out.strip() == promised
