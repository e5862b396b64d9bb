"""Command lines that do not fit: one line on stderr, in the words of the other errors, exit code 2."""

import pytest
import typer
from typer.testing import CliRunner

from llamo.cli.main import app


def complaint(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == 2 and not done.stdout, done.output
    (line,) = done.stderr.splitlines()
    assert line.startswith("llamo: Expected ") and ", got " in line and " llamo" in line, line
    return line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("mesure a.bvh", ["a command of llamo, got 'mesure'", "Did you mean measure"]),
        ("data shw", ["a command of llamo data, got 'shw'", "Did you mean show?", "llamo data --help"]),
        ("xyzzy", ["a command of llamo, got 'xyzzy'. See llamo --help."]),
        ("measure", ["Expected FILE for llamo measure, got none", "Write: llamo measure FILE [OPTIONS]"]),
        ("compare a.bvh", ["Expected B for llamo compare, got none", "llamo compare A B"]),
        ("ask", ["Expected FILE... QUESTION for llamo ask"]),
        ("caption clips", ["Expected --out for llamo caption, got none", "Add --out FILE"]),
        ("measure a.bvh b.bvh", ["nothing more for llamo measure, got 'b.bvh' as well", "llamo measure FILE"]),
        ("measure a.bvh --jsn", ["an option of llamo measure, got '--jsn'", "Did you mean --json"]),
        ("measure a.bvh --xyzzy", ["got '--xyzzy'. See llamo measure --help."]),
        ("--version", ["an option of llamo, got '--version'"]),
        ("measure a.bvh --fps", ["a value behind --fps, got none in llamo measure"]),
        ("measure a.bvh --json=1", ["--json alone, got a value"]),
        ("measure a.bvh --fps fast", ["--fps", "got 'fast'", "in llamo measure", "number"]),
        ("measure a.bvh --person 0", ["--person", "got '0'", "greater than or equal to 1"]),
        ("library check a --person two", ["--person", "integer", "llamo library check"]),
    ],
)
def test_what_does_not_fit_is_told_in_one_line(arguments, words):
    line = complaint(*arguments.split())
    assert all(word in line for word in words), line


def test_a_file_whose_name_begins_with_a_dash(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-walk.bvh").write_text("")
    (tmp_path / "walk.bvh").write_text("")
    line = complaint("measure", "-walk.bvh")
    assert "got '-walk.bvh'" in line and "./-walk.bvh" in line
    assert "llamo ask walk.bvh QUESTION" in complaint("walk.bvh")


def test_help_is_no_error():
    assert CliRunner().invoke(app, ["--help"]).exit_code == 0
    for command in ([], ["data"]):  # without anything to do, what can be done
        done = CliRunner().invoke(app, command)
        assert "Commands:" in done.output and "Expected" not in done.output


def test_the_program_itself_fails_the_same_way(capsys):
    """Not through typer's runner: as the installed script calls it."""
    with pytest.raises(SystemExit) as end:
        typer.main.get_command(app)(["measure", "a.bvh", "--jsn"], prog_name="llamo")
    assert end.value.code == 2 and capsys.readouterr().err.startswith("llamo: Expected an option")
