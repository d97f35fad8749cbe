"""`make check` refuses a template with a long line or with several block elements on one."""

from pathlib import Path

import pytest

from tools.templates import faults, main

GOOD = """\
<ul>
  <li><a href="/">Home</a></li>
  <li
    class="long"
  >
    <b>Bold</b>
  </li>
</ul>
"""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    return tmp_path / "page.html"


def test_one_block_element_a_line_is_accepted(template: Path) -> None:
    template.write_text(GOOD)
    assert main([str(template)]) == 0


@pytest.mark.parametrize("line", ["<ul><li>", "</li></ul>", "<li>One</li><li>Two</li>", "</dt><dd>"])
def test_several_block_elements_on_one_line_are_refused(template: Path, line: str) -> None:
    template.write_text(f"<p>Text</p>\n{line}\n")
    (fault,) = faults(template)
    assert fault.startswith(f"{template}:2: several block elements")
    assert main([str(template)]) == 1


def test_line_over_120_characters_is_refused(template: Path) -> None:
    template.write_text("<p>Text</p>\n" + "x" * 121 + "\n")
    assert faults(template) == [f"{template}:2: 121 characters: break it into lines of at most 120"]
