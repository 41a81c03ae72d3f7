from __future__ import annotations

import subprocess

import torch

from earmark.runs.environment import environment


def test_it_is_words_by_name_and_knows_torch():
    facts = environment()
    assert all(isinstance(name, str) and isinstance(value, str) and value for name, value in facts.items())
    assert facts["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert facts["threads"] == str(torch.get_num_threads())
    assert {"date", "python", "system", "processor", "cores", "earmark", "numpy"} <= facts.keys()


def test_a_machine_without_git_is_one_without_a_commit(monkeypatch):
    def missing(*_: object, **__: object) -> None:
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "run", missing)
    assert "commit" not in environment()
