"""The reader of documents finds commands, marks and links, or the tests that use it would prove nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.documents import reading
from tests.documents.reading import Command, anchors, blocks, commands, links, looks_like_commands

TEXT = """# A title, with `code`

See [there](other.md#part) and [here](#a-title-with-code), not `[this](x.md)`... ![picture](p.png)

```sh
make demo
# a comment
gcloud builds submit \\
  --config x.yaml   # needs an account; costs money
FOO=1 uv run x  # why
```

<!-- needs an account -->

```bash
$ gcloud run services list
```

```
uv run gateway demo
```

```text
says what came of it
```

## A title, with `code`
[left](gone.md)
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(reading, "ROOT", tmp_path)
    path = tmp_path / "a.md"
    path.write_text(TEXT)
    return path


def test_commands_and_their_marks(file: Path) -> None:
    first, second, third, fourth = blocks(file)
    assert [*commands(first)] == [
        Command("a.md:6", "make demo", ""),
        Command("a.md:8", "gcloud builds submit    --config x.yaml", "needs an account"),
        Command("a.md:10", "FOO=1 uv run x", ""),
    ]
    assert [*commands(second)] == [Command("a.md:16", "gcloud run services list", "needs an account")]
    assert [looks_like_commands(block) for block in (first, second, third, fourth)] == [True, True, True, False]
    assert [block.language for block in (first, second, third, fourth)] == ["sh", "bash", "", "text"]


def test_links_and_anchors(file: Path) -> None:
    assert [*links(file)] == [
        (3, "other.md#part"),
        (3, "#a-title-with-code"),
        (3, "p.png"),
        (28, "gone.md"),
    ]
    assert anchors(file) == {"a-title-with-code", "a-title-with-code-1"}


def test_a_block_without_an_end(file: Path) -> None:
    file.write_text("```sh\nmake demo\n")
    with pytest.raises(AssertionError, match="without an end"):
        list(blocks(file))
